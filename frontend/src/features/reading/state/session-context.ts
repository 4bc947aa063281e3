import { createContext, useContext, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import type { Room } from "@/lib/api-types";
import type { ViewState } from "@/lib/cornerstone/stack-view";
import type { Display } from "./display";
import type { ReadingState } from "./reading-store";
import type { RoomSession } from "./room-session";
import type { RoomUi } from "./room-ui";
import type { SaveStatus } from "./save-queue";

/** `room` is new after the reveal, so that everything that asks the session looks again. */
export const SessionContext = createContext<{ session: RoomSession; room: Room } | null>(null);

export function useSession(): RoomSession {
  const known = useContext(SessionContext);
  if (!known) throw new Error("No reading room around this");
  return known.session;
}

export const useReading = <T>(pick: (state: ReadingState) => T): T => useStore(useSession().store, pick);
export const useUi = <T>(pick: (state: RoomUi) => T): T => useStore(useSession().ui, pick);
export const useDisplay = <T>(pick: (state: Display) => T): T => useStore(useSession().display, pick);
export const useMasks = () => useStore(useSession().masks.store);

export function useSaveStatus(): SaveStatus {
  const { queue } = useSession();
  return useSyncExternalStore(queue.subscribe, () => queue.status);
}

export function useActiveSeconds(): number {
  const { clock } = useSession();
  return useSyncExternalStore(clock.subscribe, () => clock.seconds);
}

/** The state of the view, null until its element is there. */
export function useView<T>(pick: (state: ViewState) => T): T {
  const session = useSession();
  if (!session.view) throw new Error("The view is not there yet");
  return useStore(session.view.store, pick);
}
