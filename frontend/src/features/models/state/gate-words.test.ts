// @vitest-environment jsdom
import { createInstance, type TFunction } from "i18next";
import { describe, expect, it } from "vitest";
import common from "@/locales/zh/common.json";
import models from "@/locales/zh/models.json";
import { gateSentences, servesUnproven } from "./gate-words";

const instance = createInstance();
await instance.init({
  ...{ lng: "zh", resources: { zh: { models, common } }, defaultNS: "models" },
  interpolation: { escapeValue: false },
});
const zh = instance.t as unknown as TFunction<"models">;

describe("the gate's reasons", () => {
  it("have a sentence each, whatever the server may answer", () => {
    // A test of the server holds that these are all that it may answer.
    const codes = Object.keys(models.gate.reason).filter(
      (code) => !["old", "within_margin", "unproven"].includes(code),
    );
    for (const code of codes) {
      const [said] = gateSentences(
        { decision: "waits", against: 2, n_patients: 40, margin: 0.02, reasons: [code] },
        zh,
      );
      expect(said).toMatch(/[\u4e00-\u9fff]/);
    }
  });
  it("name the margin where one was set, and say when a version serves unproven", () => {
    const passed = { decision: "serves" as const, against: 2, n_patients: 40, reasons: ["proven", "not_worse"] };
    expect(gateSentences({ ...passed, margin: 0.02 }, zh)[1]).toContain("0.02");
    expect(gateSentences({ ...passed, margin: null }, zh)[1]).not.toContain("0.02");
    const unproven = { decision: "serves" as const, n_patients: 3, reasons: ["few_to_prove"] };
    expect(servesUnproven(unproven)).toBe(true);
    expect(gateSentences(unproven, zh)).toHaveLength(1);
  });
  it("say of how many patients a version would be shown to be within the margin", () => {
    const waits = { decision: "waits" as const, against: 2, n_patients: 30, margin: 0.1, needed_patients: 120 };
    const [said] = gateSentences({ ...waits, reasons: ["wide_interval"] }, zh);
    expect(said).toContain("约需 120 名患者");
    expect(said).toContain("0.1");
  });
  it("of an earlier gate are told as they were", () => {
    const said = gateSentences({ decision: "serves", text: "The first version serves." }, zh);
    expect(said[0]).toContain(common.server.firstServes);
  });
});
