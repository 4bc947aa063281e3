// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, test, vi } from "vitest";

vi.mock("../state/session-context", () => ({
  usePaneView: () => ({ goTo: () => undefined }),
  useView: (of: (state: object) => unknown) => of({ target: 0, states: [], frames: [{}, {}] }),
}));

import "@/lib/i18n";
import { SideSliceBar } from "./slice-bar";

test("a press on the bar leaves the keys to the room, whatever had the focus", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const ground = document.createElement("div");
  const field = document.createElement("input");
  document.body.append(field, ground);
  const root = createRoot(ground);
  await act(async () => root.render(<SideSliceBar />));
  await vi.waitFor(() => expect(ground.querySelector('[role="slider"]')).not.toBeNull());
  field.focus();
  const press = new MouseEvent("mousedown", { bubbles: true, cancelable: true });
  await act(async () => ground.querySelector('[role="slider"]')?.dispatchEvent(press));
  expect(press.defaultPrevented).toBe(true);
  expect(document.activeElement).toBe(document.body);
  await act(async () => root.unmount());
});
