/**
 * Where a mark's label goes: beside the mark, never on it, inside the view, not on another label. Marks out of view have
 * none; among many marks only the selected one's may hide another mark, and one without a free place has none either.
 */
import type { Bounds } from "../geometry/mark";

export interface LabelRequest {
  id: string;
  mark: Bounds;
  width: number;
  /** The selected one is placed first. */
  first: boolean;
}

export interface Placed {
  left: number;
  top: number;
}

/** From here on labels are short, and rather left out than laid over a mark. */
export const MANY_LABELS = 6;

const HEIGHT = 20;
const GAP = 8;

export function placeLabels(
  all: readonly LabelRequest[],
  view: { width: number; height: number },
): Map<string, Placed> {
  const requests = all.filter(
    ({ mark }) => mark.right > 0 && mark.bottom > 0 && mark.left < view.width && mark.top < view.height,
  );
  const isCrowded = requests.length > MANY_LABELS;
  const taken: Bounds[] = requests.map(({ mark }) => mark);
  const labels: Bounds[] = [];
  const found = new Map<string, Placed>();
  const ordered = [...requests].sort((p, q) => Number(q.first) - Number(p.first));
  for (const { id, mark, width, first } of ordered) {
    const middle = (mark.top + mark.bottom) / 2 - HEIGHT / 2;
    const options: Placed[] = [
      { left: mark.right + GAP, top: middle },
      { left: mark.left, top: mark.top - HEIGHT - GAP },
      { left: mark.left, top: mark.bottom + GAP },
      { left: mark.left - GAP - width, top: middle },
      { left: mark.right + GAP, top: mark.top },
      { left: mark.right + GAP, top: mark.bottom - HEIGHT },
    ];
    const box = ({ left, top }: Placed): Bounds => ({ left, top, right: left + width, bottom: top + HEIGHT });
    const inside = (b: Bounds) =>
      b.left >= 2 && b.top >= 2 && b.right <= view.width - 2 && b.bottom <= view.height - 2;
    const meets = (b: Bounds, others: Bounds[]) =>
      others.some((o) => b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom);
    const free = options.find(
      (option) => inside(box(option)) && !meets(box(option), labels) && !meets(box(option), taken),
    );
    if (!free && isCrowded && !first) continue;
    const best =
      free ??
      options.find((option) => inside(box(option)) && !meets(box(option), labels) && !meets(box(option), [mark]));
    // A mark that fills the view leaves no place beside it: its label sits in the corner it shows.
    const place = best ?? {
      left: Math.min(view.width - width - 2, Math.max(2, mark.left + 4)),
      top: Math.min(view.height - HEIGHT - 2, Math.max(2, mark.top + 4)),
    };
    labels.push(box(place));
    found.set(id, place);
  }
  return found;
}
