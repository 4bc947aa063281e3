import { describe, expect, it } from "vitest";
import { areOfOneKind, chosenOf, NOTHING, toggled } from "@/features/quarantine/state/selection";
import type { QuarantinedFile } from "@/lib/api-types";

const file = (id: string, model = "Sono 9", rows = 480) =>
  ({ id, manufacturer: "ACME", model, rows, columns: 640 }) as QuarantinedFile;

describe("a selection of files", () => {
  it("takes one in and out again", () => {
    const one = toggled(NOTHING, "a");
    expect([...one]).toEqual(["a"]);
    expect(toggled(one, "a").size).toBe(0);
  });
  it("forgets what is no longer there", () => {
    expect(chosenOf([file("a"), file("b")], new Set(["b", "gone"])).map((one) => one.id)).toEqual(["b"]);
  });
  it("takes rectangles only where all are of one device and size", () => {
    expect(areOfOneKind([file("a"), file("b")])).toBe(true);
    expect(areOfOneKind([file("a"), file("b", "Sono 8")])).toBe(false);
    expect(areOfOneKind([file("a"), file("b", "Sono 9", 600)])).toBe(false);
    expect(areOfOneKind([])).toBe(false);
  });
});
