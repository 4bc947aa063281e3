import { describe, expect, it } from "vitest";
import { choice, takes, typedNumber, unsaid } from "@/lib/attributes";

const depth = { ...choice("Depth", []), number: { unit: "mm", least: 0, most: 50 } };

describe("an attribute", () => {
  it("takes its values, or numbers within its limits", () => {
    expect(takes(choice("Margin", ["sharp"]), "sharp")).toBe(true);
    expect(takes(choice("Margin", ["sharp"]), "1")).toBe(false);
    expect(["0", "12.5", "50"].map((value) => takes(depth, value))).toEqual([true, true, true]);
    expect(["", "-1", "50.1", "1e1", "x"].map((value) => takes(depth, value))).toEqual(Array(5).fill(false));
    expect(takes({ ...depth, number: { unit: "", least: null, most: null } }, "-400")).toBe(true);
  });

  it("takes a number as it is typed anywhere", () => {
    expect([" 7,5 ", ".5", "7.", "\u22120"].map((typed) => typedNumber(depth, typed))).toEqual([
      "7.5",
      "0.5",
      "7",
      "-0",
    ]);
    expect(typedNumber(depth, "seven")).toBeNull();
  });

  it("is asked for while it is required and says nothing", () => {
    const required = { ...depth, required: true };
    expect(unsaid([choice("Margin", ["sharp"]), required], {})).toBe(required);
    expect(unsaid([required], { Depth: "7" })).toBeUndefined();
  });
});
