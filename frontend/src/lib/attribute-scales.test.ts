import { createInstance } from "i18next";
import { describe, expect, it } from "vitest";
import { attributeOf, SCALE_NAMES, SCALES } from "@/lib/attribute-scales";
import en from "@/locales/en/vocabulary.json";
import zh from "@/locales/zh/vocabulary.json";

const words = { en, zh };

describe.each(["en", "zh"] as const)("ready-made scales in %s", (language) => {
  const i18n = createInstance({ lng: language, resources: { [language]: { vocabulary: words[language] } } });
  void i18n.init({ initAsync: false });
  const t = i18n.getFixedT(language, "vocabulary");

  it.each(SCALE_NAMES)("%s is an attribute that the server takes", (scale) => {
    const { name, values } = attributeOf(scale, t);
    expect(name.length).toBeLessThanOrEqual(60);
    expect(new Set(values).size).toBe(SCALES[scale].length);
    for (const text of [name, ...values]) {
      // A key of the catalogue would be a missing word, and a comma would cut a value in two when it is edited.
      expect(text).not.toMatch(/scale\.|[,，]/);
      expect(text.length).toBeLessThanOrEqual(60);
    }
  });
});
