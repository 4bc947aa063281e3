// @vitest-environment jsdom
import i18next from "i18next";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it, vi } from "vitest";
import "@/lib/i18n";
import type { Room } from "@/lib/api-types";
import type { RoomSession } from "../state/room-session";
import type { SaveStatus } from "../state/save-queue";
import { SessionContext } from "../state/session-context";
import { AcceptAllStrip } from "./accept-all-strip";

const refused = (code: string): SaveStatus => ({ kind: "refused", reason: "no", code, changes: 4 });

async function shown(status: SaveStatus, unsent: number, putBackAccepted = vi.fn()): Promise<HTMLElement> {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  await i18next.loadNamespaces("reading");
  const queue = { subscribe: () => () => undefined, status, acceptedAtOnce: Array(unsent).fill({}) };
  const session = { queue, putBackAccepted } as unknown as RoomSession;
  const ground = document.createElement("div");
  await act(async () =>
    createRoot(ground).render(
      <SessionContext value={{ session, room: {} as Room }}>
        <AcceptAllStrip />
      </SessionContext>,
    ),
  );
  return ground;
}

it("says how many findings cannot be saved and puts them back with one act", async () => {
  const putBack = vi.fn();
  const strip = await shown(refused("accept_all"), 3, putBack);
  expect(strip.textContent).toContain("3");
  const buttons = strip.querySelectorAll("button");
  expect(buttons).toHaveLength(1);
  await act(async () => buttons[0]?.click());
  expect(putBack).toHaveBeenCalledOnce();
});

it("is not there for any other refusal, nor without such findings", async () => {
  expect((await shown(refused("decision"), 3)).textContent).toBe("");
  expect((await shown(refused("accept_all"), 0)).textContent).toBe("");
  expect((await shown({ kind: "saved", at: null }, 3)).textContent).toBe("");
});
