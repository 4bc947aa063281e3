import { describe, expect, it } from "vitest";
import { searchOf } from "./chosen";

describe("the cases behind a point", () => {
  it("are asked for with what is known, also an empty group", () => {
    expect(searchOf({ threshold: 0.4, wrong: true })).toBe("threshold=0.4&wrong=true");
    expect(searchOf({ dimension: "scanner", group: "" })).toBe("dimension=scanner&group=");
    expect(searchOf({})).toBe("");
  });
});
