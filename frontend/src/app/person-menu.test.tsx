// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { MemoryRouter } from "react-router";
import { afterEach, expect, it, vi } from "vitest";
import "@/lib/i18n";
import { PersonMenu } from "@/app/person-menu";
import type { Me } from "@/lib/api-types";

const store = vi.hoisted(() => ({ entriesOf: async (): Promise<unknown[]> => [], purge: async () => undefined }));
vi.mock("@/features/reading/state/journal", () => ({ journal: store }));

const rita = { username: "rita", full_name: "Rita", initials: "R" } as Me;
const ground = document.createElement("div");

afterEach(() => {
  vi.restoreAllMocks();
  ground.remove();
});

async function signOut(): Promise<void> {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  document.body.append(ground);
  const root = createRoot(ground);
  await act(async () =>
    root.render(
      <MemoryRouter>
        <PersonMenu me={rita} />
      </MemoryRouter>,
    ),
  );
  await act(async () => ground.querySelector("button")?.click());
  const items = [...document.querySelectorAll<HTMLElement>('[role="menuitem"]')];
  await act(async () => items.at(-1)?.click());
  await act(() => new Promise<void>((done) => setTimeout(done, 50)));
  await act(async () => root.unmount());
}

it("signs out where the device's store cannot be asked for unsent marks, after one question", async () => {
  const sent = vi.spyOn(HTMLFormElement.prototype, "submit").mockReturnValue();
  store.entriesOf = () => Promise.reject(new Error("InvalidStateError"));
  const asked = vi.spyOn(window, "confirm").mockReturnValueOnce(false).mockReturnValueOnce(true);
  await signOut();
  expect([asked.mock.calls.length, sent.mock.calls.length]).toEqual([1, 0]);
  await signOut();
  expect([asked.mock.calls.length, sent.mock.calls.length]).toEqual([2, 1]);
});

it("signs out unasked where nothing is unsent", async () => {
  const sent = vi.spyOn(HTMLFormElement.prototype, "submit").mockReturnValue();
  store.entriesOf = async () => [];
  await signOut();
  expect(sent).toHaveBeenCalledOnce();
});
