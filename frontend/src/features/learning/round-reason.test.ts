// @vitest-environment jsdom
import { createInstance, type TFunction } from "i18next";
import { describe, expect, it } from "vitest";
import { reasonWords } from "@/features/learning/round-reason";
import en from "@/locales/en/learning.json";
import zh from "@/locales/zh/learning.json";

const instance = createInstance();
await instance.init({ lng: "en", resources: { en: { learning: en }, zh: { learning: zh } } });
const inEnglish = instance.getFixedT("en", "learning") as unknown as TFunction;
const inChinese = instance.getFixedT("zh", "learning") as unknown as TFunction;
const none = { n: null, percent: null, version: null };

describe("why a round was started", () => {
  it("is told in words, with the numbers that made it start", () => {
    expect(reasonWords({ ...none, code: "readings", n: 12 }, null, inEnglish)).toBe("after 12 new readings");
    expect(reasonWords({ ...none, code: "readings", n: 1 }, null, inEnglish)).toBe("after 1 new reading");
    expect(reasonWords({ ...none, code: "first", n: 16 }, null, inEnglish)).toBe("the first 16 readings");
    expect(reasonWords({ ...none, code: "growth", percent: 31, version: 4 }, null, inEnglish)).toBe(
      "+31 % labels since v4",
    );
    expect(reasonWords({ ...none, code: "by_hand" }, "lena", inEnglish)).toBe("by lena");
  });
  it("has words in both languages, also where a number was not kept", () => {
    expect(reasonWords({ ...none, code: "growth", percent: 31, version: 4 }, null, inChinese)).toBe(
      "自 v4 以来标注增加 31 %",
    );
    expect(reasonWords({ ...none, code: "growth", percent: 31 }, null, inEnglish)).toBe(
      "+31 % labels since the last slow round",
    );
    expect(reasonWords({ ...none, code: "readings" }, null, inEnglish)).toBe("by policy");
    expect(reasonWords({ ...none, code: "nightly", n: 3 }, null, inChinese)).toBe("每晚，有 3 条新阅片记录");
  });
});
