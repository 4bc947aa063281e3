/** Finding numbers among an evaluation's metrics. */
import type { Metric } from "@/lib/api-types";

/** The rates of false positives per image at which sensitivity is told. */
export const FROC_RATES = [0.125, 0.25, 0.5, 1, 2, 4, 8] as const;

/** The metric over all finding types. */
export function overall(metrics: readonly Metric[], name: string): Metric | undefined {
  return metrics.find((one) => one.metric === name && one.finding_type === null);
}

/** The metric of each finding type. */
export function byType(metrics: readonly Metric[], name: string): Metric[] {
  return metrics.filter((one) => one.metric === name && one.finding_type !== null);
}

/** "1/8" below one, "4" above: how rates are written on a FROC axis. */
export function rate(value: number): string {
  return value < 1 ? `1/${Math.round(1 / value)}` : String(value);
}
