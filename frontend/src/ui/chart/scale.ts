/** From values to pixels, and where the ticks stand. */

export interface Scale {
  (value: number): number;
  min: number;
  max: number;
}

export function linearScale(min: number, max: number, from: number, to: number): Scale {
  const span = max - min || 1;
  return Object.assign((value: number) => from + ((value - min) / span) * (to - from), { min, max });
}

export function logScale(min: number, max: number, from: number, to: number): Scale {
  const [low, high] = [Math.log2(min), Math.log2(max)];
  const span = high - low || 1;
  return Object.assign((value: number) => from + ((Math.log2(value) - low) / span) * (to - from), { min, max });
}

/** Round steps (1, 2, 5 × 10ⁿ) that cover min…max in about `wanted` parts. */
export function niceTicks(min: number, max: number, wanted = 5): number[] {
  if (!(max > min)) return [min];
  const rough = (max - min) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Decimals that tell neighbouring ticks apart. */
export function placesFor(ticks: readonly number[]): number {
  const step = ticks.length > 1 ? Math.abs((ticks[1] ?? 0) - (ticks[0] ?? 0)) : 1;
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}
