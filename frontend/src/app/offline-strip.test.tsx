// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it, vi } from "vitest";
import "@/lib/i18n";
import { OfflineStrip } from "@/app/offline-strip";

it("tells since when the network is gone, and goes when it is back", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const ground = document.createElement("div");
  const root = createRoot(ground);
  await act(async () => root.render(<OfflineStrip />));
  expect(ground.textContent).toBe("");
  await act(async () => window.dispatchEvent(new Event("offline")));
  expect(ground.textContent).toMatch(/\d\d:\d\d/);
  await act(async () => window.dispatchEvent(new Event("online")));
  expect(ground.textContent).toBe("");
  await act(async () => root.unmount());
});
