// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it, vi } from "vitest";
import "@/lib/i18n";
import { type LoadPage, PageNotLoaded } from "@/app/page-not-loaded";

it("stays while the server cannot be reached, and gives way to the page when the network is back", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const load = vi
    .fn<LoadPage>()
    .mockRejectedValueOnce(new TypeError("Failed to fetch"))
    .mockResolvedValue({ default: () => <h1>The page</h1> });
  const ground = document.createElement("div");
  const root = createRoot(ground);
  await act(async () => root.render(<PageNotLoaded load={load} />));
  await act(async () => ground.querySelector("button")?.click());
  expect(load).toHaveBeenCalledOnce();
  expect(ground.textContent).not.toContain("The page");
  await act(async () => window.dispatchEvent(new Event("online")));
  expect(ground.textContent).toBe("The page");
  await act(async () => root.unmount());
});
