/** How many false positives per image are to be expected of a model version at a threshold. */
import type { Froc } from "@/lib/api-types";

/** From the FROC on VALIDATION: of the last measured score that still passes; none passed above the highest one. */
export function falsePositivesAt(froc: Froc, threshold: number): number {
  return froc.points.findLast(([level]) => level >= threshold)?.[1] ?? 0;
}
