// @vitest-environment jsdom
/** What a network is planned to be is told in both languages, and an old version without a plan says nothing. */
import { createInstance } from "i18next";
import { describe, expect, it } from "vitest";
import { planWords } from "@/lib/plan-words";
import common from "@/locales/en/common.json";
import chinese from "@/locales/zh/common.json";

const i18n = createInstance();
await i18n.init({
  lng: "en",
  ns: ["common"],
  resources: { en: { common }, zh: { common: chinese } },
  interpolation: { escapeValue: false },
});

const fingerprint = { n_cases: 1200, frames: 112, rows: 512, columns: 512, spacing: [2, 0.54, 0.54] };
const slices = {
  plan: { dimension: "2.5d", size: 128, neighbours: 5, patch: [], because: ["series_cpu"], fingerprint },
};
const volumes = {
  plan: { dimension: "3d", size: 128, neighbours: 1, patch: [32, 64, 64], because: ["chosen"], fingerprint },
};

describe("the plan of a network", () => {
  it("says what the network sees, why, and what it was planned for", () => {
    expect(planWords(slices, i18n.t)).toEqual([
      "2.5D: 5 neighbouring slices together, 128 × 128 pixels",
      "the cases are series, and the network is trained on processors",
      "planned for 1,200 cases, typically 112 slices of 512 × 512, 2.0 mm apart",
    ]);
    expect(planWords(volumes, i18n.t)[0]).toBe(
      "3D: patches of 32 slices of 64 × 64 pixels, in slices of 128 × 128",
    );
  });
  it("says in which window CT is read", () => {
    const seen = { plan: { ...slices.plan, ct_window: [-320, 1360] } };
    expect(planWords(seen, i18n.t)[0]).toBe(
      "2.5D: 5 neighbouring slices together, 128 × 128 pixels; CT window −320/1360 (−1000 to 360 HU)",
    );
    expect(planWords(seen, i18n.getFixedT("zh"))[0]).toBe(
      "2.5 维：5 个相邻层面一起读取，128 × 128 像素；CT 窗位/窗宽 −320/1360（−1000 至 360 HU）",
    );
    expect(planWords({ plan: { ...slices.plan, ct_window: null } }, i18n.t)).toEqual(planWords(slices, i18n.t));
  });
  it("says so in Chinese as well", () => {
    expect(planWords(slices, i18n.getFixedT("zh"))[0]).toBe("2.5 维：5 个相邻层面一起读取，128 × 128 像素");
  });
  it("says nothing of a version that is older than plans", () => {
    expect(planWords({ image_size: 128 }, i18n.t)).toEqual([]);
  });
  it("does not stumble over a reason that it does not know", () => {
    const newer = { plan: { ...slices.plan, because: ["series_cpu", "tomorrow"], fingerprint: null } };
    expect(planWords(newer, i18n.t)).toHaveLength(2);
  });
});
