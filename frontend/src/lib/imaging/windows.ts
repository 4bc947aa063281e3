/** Windows: presets by modality (Shift and a digit), those of the header, and those taken from the pixels. */
import type { VoiFunction } from "./voi";

export interface Window {
  width: number;
  centre: number;
  /** The VOI LUT function of the header (PS3.3 C.11.2.1.2); LINEAR where none is named. */
  curve?: VoiFunction;
}

export type Preset =
  | { name: string; kind: "fixed"; window: Window }
  | { name: string; kind: "header"; index: number }
  | { name: string; kind: "range"; low: number; high: number };

const HEADER: Preset = { name: "header", kind: "header", index: 0 };
const AUTOMATIC: Preset = { name: "automatic", kind: "range", low: 0.005, high: 0.995 };

const CT: Preset[] = [
  { name: "lung", kind: "fixed", window: { width: 1500, centre: -600 } },
  { name: "mediastinum", kind: "fixed", window: { width: 400, centre: 40 } },
  { name: "bone", kind: "fixed", window: { width: 1800, centre: 400 } },
  { name: "brain", kind: "fixed", window: { width: 80, centre: 40 } },
  { name: "abdomen", kind: "fixed", window: { width: 350, centre: 50 } },
  HEADER,
  AUTOMATIC,
];

const OTHER: Preset[] = [
  HEADER,
  AUTOMATIC,
  { name: "contrast", kind: "range", low: 0.1, high: 0.95 },
  { name: "dark", kind: "range", low: 0, high: 0.6 },
  { name: "full", kind: "range", low: 0, high: 1 },
];

export function presetsOf(modality: string): Preset[] {
  return modality === "CT" ? CT : OTHER;
}

const LARGEST_SAMPLE = 262_144;

/** The window between two quantiles of the values, without those that `skip` names; null where none is left. */
export function rangeWindow(
  values: ArrayLike<number>,
  low: number,
  high: number,
  skip: [number, number] | null = null,
): Window | null {
  const stride = Math.max(1, Math.floor(values.length / LARGEST_SAMPLE));
  const sample = new Float64Array(Math.ceil(values.length / stride));
  let count = 0;
  for (let i = 0; i < values.length; i += stride) {
    const value = values[i] as number;
    if (!Number.isFinite(value) || (skip && value >= skip[0] && value <= skip[1])) continue;
    sample[count++] = value;
  }
  if (count === 0) return null;
  const sorted = sample.subarray(0, count).sort();
  const at = (share: number) => sorted[Math.round(share * (count - 1))] as number;
  const [least, most] = [at(low), at(high)];
  const width = most - least || 1;
  return { width, centre: least + width / 2, curve: "LINEAR_EXACT" };
}
