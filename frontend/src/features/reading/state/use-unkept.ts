/** How the person likes the room goes to the account unasked; that it did not get there is told, and stops nobody. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { changeOfMe } from "@/lib/me";
import type { RoomSession } from "./room-session";

export function useUnkept(session: Pick<RoomSession, "say">): void {
  const mutations = useQueryClient().getMutationCache();
  useEffect(
    () =>
      mutations.subscribe((event) => {
        if (event.type !== "updated" || event.action.type !== "error") return;
        if (changeOfMe(event.mutation)?.room) session.say("unkept");
      }),
    [mutations, session],
  );
}
