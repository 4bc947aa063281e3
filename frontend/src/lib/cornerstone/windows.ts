/** Windows: presets by modality (Shift 1 to 5) and those taken from the pixels. */

export interface Window {
  width: number;
  centre: number;
}

export type Preset =
  | { name: string; kind: "fixed"; window: Window }
  | { name: string; kind: "header" }
  | { name: string; kind: "range"; low: number; high: number };

const CT: Preset[] = [
  { name: "lung", kind: "fixed", window: { width: 1500, centre: -600 } },
  { name: "mediastinum", kind: "fixed", window: { width: 400, centre: 40 } },
  { name: "bone", kind: "fixed", window: { width: 1800, centre: 400 } },
  { name: "brain", kind: "fixed", window: { width: 80, centre: 40 } },
  { name: "abdomen", kind: "fixed", window: { width: 350, centre: 50 } },
];

const OTHER: Preset[] = [
  { name: "header", kind: "header" },
  { name: "automatic", kind: "range", low: 0.01, high: 0.99 },
  { name: "contrast", kind: "range", low: 0.1, high: 0.95 },
  { name: "dark", kind: "range", low: 0, high: 0.6 },
  { name: "full", kind: "range", low: 0, high: 1 },
];

export function presetsOf(modality: string): Preset[] {
  return modality === "CT" ? CT : OTHER;
}

/** The window between two quantiles of the values; a sample of at most 65,536 of them. */
export function rangeWindow(values: ArrayLike<number>, low: number, high: number): Window {
  const stride = Math.max(1, Math.floor(values.length / 65_536));
  const sample: number[] = [];
  for (let i = 0; i < values.length; i += stride) {
    const value = values[i] as number;
    if (Number.isFinite(value)) sample.push(value);
  }
  if (sample.length === 0) throw new Error("The image has no finite value");
  sample.sort((p, q) => p - q);
  const at = (share: number) => sample[Math.round(share * (sample.length - 1))] as number;
  const [least, most] = [at(low), at(high)];
  const width = Math.max(1, most - least);
  return { width, centre: least + width / 2 };
}
