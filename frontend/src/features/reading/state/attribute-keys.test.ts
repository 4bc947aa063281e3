import { describe, expect, it } from "vitest";
import type { Attribute, Lesion } from "@/lib/api-types";
import { SCALES } from "@/lib/attribute-scales";
import { choice } from "@/lib/attributes";
import { keysOfValues, nextAttribute, valueOfKey } from "./attribute-keys";
import { documentOf } from "./document";
import { toggleAttribute } from "./edits";

const margin: Attribute = choice("Margin", ["sharp", "blurred"]);
const certainty: Attribute = choice("Certainty", ["certain", "possible"]);

describe("attributes by key", () => {
  it("begin with the first that says nothing and end after the last", () => {
    const both = [margin, certainty];
    expect(nextAttribute(both, { Margin: "sharp" }, null)).toBe("Certainty");
    expect(nextAttribute(both, { Margin: "sharp", Certainty: "certain" }, null)).toBe("Margin");
    expect(nextAttribute(both, {}, "Margin")).toBe("Certainty");
    expect(nextAttribute(both, {}, "Certainty")).toBeNull();
    expect(nextAttribute([], {}, null)).toBeNull();
  });

  it("take digits for the first ten values and nothing else", () => {
    const long = choice("Category", "abcdefghijkl".split(""));
    expect(valueOfKey(long, "1")).toBe("a");
    expect(valueOfKey(long, "0")).toBe("j");
    expect(valueOfKey(margin, "3")).toBeUndefined();
    expect(valueOfKey(margin, "A")).toBeUndefined();
    expect(keysOfValues(long).slice(8)).toEqual(["9", "0", null, null]);
  });

  it("of numbered categories are their numbers, or the letters that tell them apart", () => {
    const breast = choice(
      "Assessment",
      SCALES.breast.map((step) => `${step} words`),
    );
    expect(keysOfValues(breast)).toEqual(["0", "1", "2", "3", "A", "B", "C", "5", "6"]);
    expect(valueOfKey(breast, "5")).toBe("5 words");
    expect(valueOfKey(breast, "4")).toBeUndefined();
    expect(keysOfValues(choice("Lung", [...SCALES.lung]))).toEqual(["0", "1", "2", "3", "A", "B", "X"]);
    expect(keysOfValues(choice("Twice", ["1 a", "1 b", "2"]))).toEqual([null, null, "2"]);
    expect(keysOfValues(choice("Size", ["10 mm", "20 mm"]))).toEqual(["1", "2"]);
  });

  it("said twice is said no longer", () => {
    const lesion = { id: "one", attributes: {}, points: [], mask: null, kind: "box" } as unknown as Lesion;
    const empty = { lesions: [lesion], decisions: [], measurements: [], image_findings: {}, verdict: "lesions" };
    const first = documentOf(empty as never);
    const said = toggleAttribute(first, lesion, "Margin", "sharp");
    expect(said.lesions[0]?.attributes).toEqual({ Margin: "sharp" });
    const other = toggleAttribute(said, said.lesions[0] as Lesion, "Margin", "blurred");
    expect(other.lesions[0]?.attributes).toEqual({ Margin: "blurred" });
    expect(toggleAttribute(other, other.lesions[0] as Lesion, "Margin", "blurred").lesions[0]?.attributes).toEqual(
      {},
    );
  });
});
