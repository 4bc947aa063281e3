// @vitest-environment jsdom
import { createInstance, type TFunction } from "i18next";
import { describe, expect, it } from "vitest";
import models from "@/locales/en/models.json";
import { groupName } from "./subgroup-names";

const instance = createInstance();
await instance.init({
  ...{ lng: "en", resources: { en: { models } }, defaultNS: "models", interpolation: { escapeValue: false } },
});
const t = instance.t as unknown as TFunction<"models">;
const group = (dimension: string, name: string, start: number | null = null, end: number | null = null) =>
  groupName({ dimension, group: name, unit: "mm", start, end }, [], t);

describe("a group of cases is named", () => {
  it("by the bounds of its sizes", () => {
    expect(group("size", "small", null, 12.34)).toBe("under 12.3\u00a0mm");
    expect(group("size", "middle", 12.34, 20)).toBe("12.3–20.0\u00a0mm");
    expect(group("size", "large", 20, null)).toBe("20.0\u00a0mm and more");
  });
  it("as its header says, and by a word where it says nothing", () => {
    expect(group("sex", "F")).toBe("female");
    expect(group("scanner", "Alpha One")).toBe("Alpha One");
    expect(group("scanner", "")).toBe("not stated");
    expect(group("age", "40-59")).toBe("40–59");
  });
});
