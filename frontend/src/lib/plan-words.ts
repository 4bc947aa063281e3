/** The plan of a network in words: a round and a version hold it as the worker wrote it. */
import type { TFunction } from "i18next";
import { count, decimal } from "@/lib/format";

interface Fingerprint {
  n_cases: number;
  frames: number;
  rows: number;
  columns: number;
  spacing: [number, number, number] | null;
}

interface Plan {
  dimension: "2d" | "2.5d" | "3d";
  size: number;
  neighbours: number;
  patch: number[];
  /** Centre and width in HU; absent of versions from before it was chosen, null of other images than CT. */
  ct_window?: [number, number] | null;
  because: string[];
  fingerprint: Fingerprint | null;
}

const REASONS = [
  "images",
  "chosen",
  "few_slices",
  "series_cpu",
  "irregular",
  "anisotropic",
  "volumes_gpu",
  "small_images",
  "small_lesions",
  "sliding",
  "anisotropic_kernels",
  "pretrained",
  "kept",
] as const;

type Reason = (typeof REASONS)[number];

/** The plan in a round's settings or a version's configuration; null where it is older than plans are. */
function planOf(holder: Record<string, unknown>): Plan | null {
  const found = holder.plan;
  return typeof found === "object" && found !== null && "dimension" in found ? (found as Plan) : null;
}

/** What the network is, why, and what it was planned for: one sentence each; empty where there is no plan. */
export function planWords(holder: Record<string, unknown>, t: TFunction): string[] {
  const plan = planOf(holder);
  if (!plan) return [];
  const reasons = plan.because
    .filter((code): code is Reason => REASONS.includes(code as Reason))
    .map((code) => t(`common:plan.because.${code}`));
  return [networkWords(plan, t), reasons.join(t("common:plan.join")), facts(plan.fingerprint, t)].filter(Boolean);
}

function networkWords(plan: Plan, t: TFunction): string {
  return plan.ct_window
    ? t("common:plan.seen", { shape: shape(plan, t), window: windowWords(plan.ct_window, t) })
    : shape(plan, t);
}

/** The window in which CT is read, and the HU that it shows. */
export function windowWords([center, width]: readonly [number, number], t: TFunction): string {
  const [low, high] = [center - width / 2, center + width / 2];
  return t("common:plan.window", {
    center: decimal(center, 0),
    width: decimal(width, 0),
    low: decimal(low, 0),
    high: decimal(high, 0),
  });
}

function shape({ dimension, size, neighbours, patch }: Plan, t: TFunction): string {
  if (dimension === "3d")
    return t("common:plan.volumes", { slices: patch[0], side: patch[patch.length - 1], size });
  if (dimension === "2.5d") return t("common:plan.slices", { n: neighbours, size });
  return patch.length
    ? t("common:plan.patches", { side: patch[patch.length - 1], size })
    : t("common:plan.images", { size });
}

function facts(found: Fingerprint | null, t: TFunction): string {
  if (!found) return "";
  const { n_cases, frames, rows, columns, spacing } = found;
  const values = { cases: count(n_cases), frames: count(frames), rows, columns };
  if (frames === 1) return t("common:plan.ofImages", values);
  return spacing
    ? t("common:plan.ofSeries", { ...values, mm: decimal(spacing[0], 1) })
    : t("common:plan.ofUnspaced", values);
}
