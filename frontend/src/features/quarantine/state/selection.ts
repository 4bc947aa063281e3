/** Which files are chosen, and what can be done to all of them at once. */
import type { QuarantinedFile } from "@/lib/api-types";

export type Selection = ReadonlySet<string>;
export const NOTHING: Selection = new Set();

export function toggled(chosen: Selection, id: string): Selection {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** The chosen among those that are still there, in their order. */
export function chosenOf(files: QuarantinedFile[], chosen: Selection): QuarantinedFile[] {
  return files.filter((one) => chosen.has(one.id));
}

/** Whether all images come from one device in one size, so that the same rectangles mean the same in each. */
export function areOfOneKind(files: QuarantinedFile[]): boolean {
  const [first] = files;
  return (
    first !== undefined &&
    files.every(
      (one) =>
        one.manufacturer === first.manufacturer &&
        one.model === first.model &&
        one.rows === first.rows &&
        one.columns === first.columns,
    )
  );
}
