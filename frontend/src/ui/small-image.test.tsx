// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SmallImage } from "@/ui/small-image";

let ground: HTMLElement;
let root: Root;
beforeEach(async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  ground = document.createElement("div");
  root = createRoot(ground);
  await act(async () => root.render(<SmallImage src="/t.jpg" />));
});
afterEach(() => act(async () => root.unmount()));

const tell = (name: string) => act(async () => ground.querySelector("img")?.dispatchEvent(new Event(name)));

it("counts as seen only once its bytes are there", async () => {
  expect(ground.querySelector("img")?.className).toBe("waits");
  await tell("load");
  expect(ground.querySelector("img")?.className).toBe("");
});

it("says that a picture is missing, and asks again when the network is back", async () => {
  await tell("error");
  expect(ground.querySelector("img")).toBeNull();
  await act(async () => window.dispatchEvent(new Event("online")));
  expect(ground.querySelector("img")?.getAttribute("src")).toBe("/t.jpg");
});
