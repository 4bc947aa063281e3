import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { FirstPaint } from "@/app/first-paint";
import page from "../../index.html?raw";

it("is drawn by index.html before any code has arrived, so that nothing jumps when it does", () => {
  const root = /<div id="root">([\s\S]*?)<\/div>\s*<script/.exec(page)?.[1] ?? "";
  expect(root.replace(/\s*\n\s*/g, "")).toBe(renderToStaticMarkup(<FirstPaint />));
});
