import { expect, test } from "vitest";
import type { Bounds } from "../geometry/mark";
import { placeLabels } from "./label-place";

const VIEW = { width: 800, height: 600 };
const at = (left: number, top: number, size = 40): Bounds => ({
  left,
  top,
  right: left + size,
  bottom: top + size,
});
const request = (id: string, mark: Bounds, first = false) => ({ id, mark, width: 50, first });

test("marks out of view have no label, not one at the edge", () => {
  const placed = placeLabels(
    [request("in", at(100, 100)), request("below", at(100, 700)), request("left", at(-90, 9))],
    VIEW,
  );
  expect([...placed.keys()]).toEqual(["in"]);
});

test("among two hundred marks no label lies on a mark, and the selected one has its own", () => {
  const marks = Array.from({ length: 200 }, (_, i) =>
    request(`${i}`, at((i % 20) * 40, Math.floor(i / 20) * 60), i === 105),
  );
  const placed = placeLabels(marks, VIEW);
  expect(placed.has("105")).toBe(true);
  for (const [id, { left, top }] of placed) {
    if (id === "105") continue;
    const covered = marks.filter(
      ({ mark }) => left < mark.right && mark.left < left + 50 && top < mark.bottom && mark.top < top + 20,
    );
    expect(covered).toEqual([]);
  }
});

test("a mark that fills the view is named in its corner", () => {
  expect(placeLabels([request("all", { left: -5, top: -5, right: 900, bottom: 700 })], VIEW).get("all")).toEqual({
    left: 2,
    top: 2,
  });
});
