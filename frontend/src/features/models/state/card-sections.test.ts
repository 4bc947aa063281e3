// @vitest-environment jsdom
import { createInstance, type TFunction } from "i18next";
import { describe, expect, it } from "vitest";
import type { ModelCard } from "@/lib/api-types";
import commonEn from "@/locales/en/common.json";
import en from "@/locales/en/models.json";
import commonZh from "@/locales/zh/common.json";
import zh from "@/locales/zh/models.json";
import { cardMarkdown, cardSections, limitSentence } from "./card-sections";

const instance = createInstance();
await instance.init({
  resources: { en: { models: en, common: commonEn }, zh: { models: zh, common: commonZh } },
  ...{ lng: "en", defaultNS: "models", interpolation: { escapeValue: false } },
});
const inEnglish = instance.getFixedT("en") as unknown as TFunction<"models">;
const inChinese = instance.getFixedT("zh") as unknown as TFunction<"models">;
// A test of the server holds that these are all that it may answer.
const codes = Object.keys(en.card.limit).map((key) => key.replace(/_(one|other)$/, ""));

const card: ModelCard = {
  format: "overread-model-card-1",
  project: { slug: "breast", name: "Breast | US", question: "", modality: "US", unit: "image", synthetic: false },
  version: {
    ...{ number: 3, state: "waits", created_at: "2026-11-20T10:00:00Z", parent: null, weights_sha256: "ab" },
    ...{ code_version: "cnn-1", display_threshold: 0.5, released_at: null, released_by: null },
  },
  words: { intended_use: "", not_for: "", remarks: "", by: null, written_at: null },
  finding_types: [{ id: 7, scope: "lesion", name: "Mass", code: "SCT 4147007" }],
  training_data: {
    ...{ snapshot_sha256: "cd", frozen_at: "2026-11-20T09:00:00Z", n_cases: 24, n_readings: 25, n_patients: 20 },
    counts: { finding_type: [{ group: "7", n_cases: 16, n_lesions: 18 }], sex: [{ group: "", n_cases: 24 }] },
    changed_since: 0,
  },
  splits: [{ split: "POOL", n_cases: 40, n_patients: 30, n_labelled: 24 }],
  training: {
    ...{ start: null, steps: 60, core_seconds: 12, seed: 1, image_size: 128, recipe: null, net: null, unread: 30 },
    ...{ environment: null, ct_window: null },
  },
  clicks: {
    ...{ lesions: 18, core_seconds: 9 },
    measured: [
      {
        ...{ metric: "click_dice_1", finding_type: null, value: 0.7691, low: 0.7352, high: 0.7991 },
        ...{ n_patients: 60, n_positive: 60, note: "" },
      },
    ],
  },
  gate: { decision: "waits", reasons: ["few_to_prove"], n_patients: 4, proof: [], metrics: [] },
  promotions: [],
  validation: null,
  holdout: null,
  holdout_looks: { version: 0, project: 1 },
  calibration: { method: "none", note: "uncalibrated" },
  onnx: null,
  limits: [{ code: "few_cases", n: 24, patients: 20 }],
};

describe("the model card", () => {
  it("has a sentence in both languages for every limit that the server may find", () => {
    expect(new Set(codes).size).toBeGreaterThan(20);
    for (const code of codes) {
      const limit = { code, n: 2, finding_type: 7, dimension: "sex", group: "F", groups: ["0-17"], note: "" };
      expect(limitSentence(limit, card, inEnglish), code).not.toBe(code);
      expect(limitSentence(limit, card, inChinese), code).toMatch(/[\u4e00-\u9fff]/);
    }
  });
  it("says of what is not known that it is not known", () => {
    const all = JSON.stringify(cardSections(card, inEnglish));
    expect(all).toContain("Nobody has written this yet.");
    expect(all).toContain("This version has not been looked at on HOLDOUT.");
    expect(all).toContain("Uncalibrated");
    expect(all).toContain("It has never served.");
    expect(all).not.toMatch(/undefined|NaN|\{\{/);
  });
  it("says of a training in several processes that each drew a batch", () => {
    const recipe = { rate: 0.005, batch: 8, flip: true, precision: "float32" };
    const environment = { torch: "2.14.0", machine: "x86_64", instructions: "AVX2", threads: 2 };
    const told = (processes?: number) =>
      cardMarkdown(
        { ...card, training: { ...card.training, recipe, environment: { ...environment, processes } } },
        inEnglish,
      );
    expect(told(2)).toContain("8 in each of 2 processes");
    expect(told(1)).toMatch(/Batch[^\n]* 8 \|/);
    expect(told()).toEqual(told(1));
  });
  it("says what a network has learned from beside the labels", () => {
    const told = (net: { widths: number[]; encoder?: string }) =>
      cardMarkdown({ ...card, training: { ...card.training, net } }, inEnglish);
    expect(told({ widths: [16, 320], encoder: "efficientnet_lite0" })).toMatch(
      /Also learned from \|[^\n]*ImageNet/,
    );
    expect(told({ widths: [16, 32] })).toMatch(/Also learned from \| nothing else \|/);
    expect(cardMarkdown(card, inEnglish)).toMatch(/Also learned from \| not known \|/);
  });
  it("says in which window it reads CT, and nothing of it where there is none", () => {
    const seen: ModelCard = { ...card, training: { ...card.training, ct_window: [60, 160] } };
    expect(cardMarkdown(seen, inEnglish)).toContain("| CT window | 60/160 (−20 to 140 HU) |");
    expect(cardMarkdown(seen, inChinese)).toContain("| CT 窗位/窗宽 | 60/160（−20 至 140 HU） |");
    expect(cardMarkdown(card, inEnglish)).not.toContain("CT window");
  });
  it("says that a version answers no clicks", () => {
    const section = cardSections({ ...card, clicks: null }, inEnglish).find(({ key }) => key === "clicks");
    expect(section?.blocks).toEqual([{ kind: "text", text: "This version answers no clicks." }]);
  });

  it("is a Markdown file with the same words", () => {
    const text = cardMarkdown(card, inEnglish);
    expect(text).toContain("learned from 18 outlined lesions");
    expect(text).toContain("| Dice, one click | 0.769 [0.735, 0.799] | 60 | 60 |");
    expect(text).toMatch(/^# Model card: Breast \| US, v3\n\n## Purpose/);
    expect(text).toContain("| Type | Mass | 16 | 18 |");
    expect(text).toContain("- It learned from 24 cases only.");
    expect(cardMarkdown(card, inChinese)).toContain("它只从 24 例中学习");
  });
});
