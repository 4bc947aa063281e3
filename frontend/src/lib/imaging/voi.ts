/** From modality values to grey (PS3.3 C.11.2, PS3.4 N.2): windows and tables. Grey is 0 (black) to 1 (white). */
import type { Window } from "./windows";

export type VoiFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

/** A look-up table: `values[i]` is the output, of `bits` bits, for the input `first + i`; the ends hold beyond. */
export interface LookupTable {
  first: number;
  bits: number;
  values: ArrayLike<number>;
  name: string;
}

export type Voi = { kind: "window"; window: Window } | { kind: "table"; table: LookupTable };

/** Between these modality values a linear window goes from black to white; a sigmoid has no such ends. */
function rangeOf({ width, centre, curve = "LINEAR" }: Window): { lower: number; upper: number } {
  if (curve === "LINEAR_EXACT") return { lower: centre - width / 2, upper: centre + width / 2 };
  if (width <= 1) return { lower: centre - 0.5, upper: centre - 0.5 };
  return { lower: centre - 0.5 - (width - 1) / 2, upper: centre - 0.5 + (width - 1) / 2 };
}

/** The grey of one modality value. */
export function greyOf(value: number, voi: Voi): number {
  if (voi.kind === "table") return tableAt(voi.table, value) / (2 ** voi.table.bits - 1);
  const { window } = voi;
  if (window.curve === "SIGMOID") return 1 / (1 + Math.exp((-4 * (value - window.centre)) / window.width));
  const { lower, upper } = rangeOf(window);
  if (upper === lower) return value > lower ? 1 : 0;
  return Math.min(1, Math.max(0, (value - lower) / (upper - lower)));
}

export function tableAt({ first, values }: LookupTable, input: number): number {
  const at = Math.min(values.length - 1, Math.max(0, Math.round(input) - first));
  return values[at] as number;
}

/** Whether two say the same; tables are the same only as one and the same object. */
export function isSameVoi(one: Voi, other: Voi): boolean {
  if (one === other) return true;
  if (one.kind === "table" || other.kind === "table") return false;
  const [p, q] = [one.window, other.window];
  return p.width === q.width && p.centre === q.centre && (p.curve ?? "LINEAR") === (q.curve ?? "LINEAR");
}
