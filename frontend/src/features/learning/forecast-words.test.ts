// @vitest-environment jsdom
import { createInstance, type TFunction } from "i18next";
import { expect, it } from "vitest";
import { forecastPoints, forecastWords } from "@/features/learning/forecast-words";
import type { Forecast, LeadingMetric } from "@/lib/api-types";
import en from "@/locales/en/learning.json";
import zh from "@/locales/zh/learning.json";

const instance = createInstance();
await instance.init({ lng: "en", resources: { en: { learning: en }, zh: { learning: zh } } });
const inEnglish = instance.getFixedT("en", "learning") as unknown as TFunction;
const inChinese = instance.getFixedT("zh", "learning") as unknown as TFunction;

const blank: Forecast = {
  answer: "cannot_tell",
  target: 0.75,
  reason: "too_far",
  more: null,
  low: null,
  high: null,
  asymptote: 0.7,
  curve: [],
};

it("tells how many more readings with the interval", () => {
  const about: Forecast = { ...blank, answer: "about", reason: "", more: 120, low: 80, high: 1600 };
  expect(forecastWords(about, "dice", inEnglish)).toBe("About 120 more readings (80 to 1,600) to a Dice of 0.75.");
  expect(forecastWords(about, "findings_auc", inEnglish)).toBe(
    "About 120 more readings (80 to 1,600) to an AUC of image findings of 0.75.",
  );
});

it("tells why nothing can be told, and that the target is reached", () => {
  expect(forecastWords(blank, "dice", inEnglish)).toContain(
    "When a Dice of 0.75 would be reached cannot be told: ",
  );
  const reached: Forecast = { ...blank, answer: "reached", reason: "" };
  expect(forecastWords(reached, "dice", inEnglish)).toBe("A Dice of 0.75 is reached.");
  expect(forecastWords(reached, "findings_auc", inChinese)).toBe("已达到整图发现的 AUC 0.75。");
});

it("speaks of the number that is measured, whatever it says of it, in both languages", () => {
  const words: [LeadingMetric, string, string][] = [
    ["dice", "Dice", "Dice"],
    ["findings_auc", "AUC of image findings", "整图发现的 AUC"],
  ];
  for (const reason of ["few_points", "one_size", "flat", "too_far", "too_wide"] as const) {
    for (const [metric, english, chinese] of words) {
      expect(forecastWords({ ...blank, reason }, metric, inEnglish)).toContain(
        `${english} of 0.75 would be reached`,
      );
      expect(forecastWords({ ...blank, reason }, metric, inChinese)).toContain(`${chinese} 0.75：`);
    }
  }
});

it("names that number in every other sentence of the page in which it stands", () => {
  for (const [t, findings] of [
    [inEnglish, "AUC of image findings"],
    [inChinese, "整图发现的 AUC"],
  ] as const) {
    const metric = t("metric.findings_auc");
    expect(metric).toBe(findings);
    const values = { metric, chosen: "0.812", random: "0.790", difference: "+0.022" };
    for (const key of ["inquiry.numbers", "policy.target_dice", "curve.axis"]) {
      expect(t(key, values)).toContain(findings);
      expect(t(key, { ...values, metric: t("metric.dice") })).toContain("Dice");
    }
    expect(t("policy.marginValue.findings_auc")).toContain(findings);
    expect(t("policy.unprovenNote.findings_auc")).not.toBe(t("policy.unprovenNote.dice"));
  }
});

it("draws the law from the last version to where the target is surely reached, and nothing where that is unknown", () => {
  const curve = [
    [100, 0.7, 0.6, 0.8],
    [150, 0.74, 0.6, 0.8],
    [200, 0.76, 0.6, 0.8],
    [400, 0.8, 0.6, 0.9],
  ];
  const known: Forecast = { ...blank, answer: "about", reason: "", more: 40, low: 10, high: 100, curve };
  expect(forecastPoints(known, 140)).toEqual([
    { x: 150, y: 0.74 },
    { x: 200, y: 0.76 },
  ]);
  expect(forecastPoints({ ...blank, curve }, 140)).toEqual([]);
});
