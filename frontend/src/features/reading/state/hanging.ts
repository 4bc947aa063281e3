/** Which images hang where: the usual arrangement of each modality, from what the headers tell and without it. */
import type { GridLayout } from "./arrangement";

/** An image or series that may hang: the case, what else is in its study, what is older. */
export interface Hangable {
  id: string;
  modality: string;
  bodyPart: string;
  /** R, L, B or empty. */
  laterality: string;
  /** CC, MLO, PA … or empty. */
  view: string;
  relation: "case" | "this" | "prior" | "undated";
}

export interface Hanging {
  layout: GridLayout;
  /** For each layout what hangs in it, row by row; null is an empty place. */
  cells: Record<GridLayout, (string | null)[]>;
  /** Moving images: the controls of the cine are at hand. */
  cine: boolean;
}

const MOVING = new Set(["US", "XA", "RF", "IVUS", "ES"]);

/** Radiographs are compared with the last one of the same look; the eye finds what is new beside what was there. */
const PLAIN = new Set(["CR", "DX", "RG"]);

/** The screen of a mammographer: as one faces the patient, the right breast is on the left; CC above, oblique below. */
const BREASTS: [string, string[]][] = [
  ["R", ["CC", "XCCL", "XCC", "FB"]],
  ["L", ["CC", "XCCL", "XCC", "FB"]],
  ["R", ["MLO", "ML", "LM", "LMO", "SIO"]],
  ["L", ["MLO", "ML", "LM", "LMO", "SIO"]],
];

/** `others`: of the case's own study first, then older ones, newest first. */
export function hangingOf(own: Hangable, others: readonly Hangable[]): Hanging {
  if (own.modality === "MG") return breastsOf(own, others);
  const sorted = [...others].sort((p, q) => rankOf(p, own) - rankOf(q, own));
  const ranked = sorted.map(({ id }) => id);
  const hasSameBefore = sorted[0]?.relation === "prior" && rankOf(sorted[0], own) < 10;
  return {
    layout: PLAIN.has(own.modality) && hasSameBefore ? "1x2" : "1x1",
    cells: {
      "1x1": [own.id],
      "1x2": filled([own.id], ranked, 2),
      "2x2": filled([own.id], ranked, 4),
    },
    cine: MOVING.has(own.modality),
  };
}

/** What is compared first: the same look at the same part in an older study, then this study, then whatever is left. */
function rankOf(one: Hangable, own: Hangable): number {
  const same =
    (one.modality === own.modality ? 0 : 4) +
    (one.bodyPart === own.bodyPart ? 0 : 2) +
    (one.view === own.view && one.laterality === own.laterality ? 0 : 1);
  const when = { prior: 0, this: 1, undated: 2, case: 3 }[one.relation];
  return same * 10 + when;
}

function breastsOf(own: Hangable, others: readonly Hangable[]): Hanging {
  const study = [own, ...others.filter(({ relation }) => relation === "this")];
  const older = others.filter(({ relation }) => relation !== "this");
  const [slots, told] = slotsOf(study, own);
  if (!told) {
    // Without side and view nothing is guessed: the case, then the others as they come.
    const rest = others.map(({ id }) => id);
    const four = filled([own.id], rest, 4);
    const enough = study.length > 2 ? "2x2" : study.length > 1 ? "1x2" : "1x1";
    return {
      layout: enough,
      cells: { "1x1": [own.id], "1x2": filled([own.id], rest, 2), "2x2": four },
      cine: false,
    };
  }
  const priors = slotsOf(older, own)[0];
  const known = slots.filter((id) => id !== null).length;
  // One view of each breast needs no second row; it is that of the older study.
  const [top, bottom] = [slots.slice(0, 2), slots.slice(2)];
  const rowOfOwn = bottom.includes(own.id) ? bottom : top;
  const olderRow = rowOfOwn === bottom ? priors.slice(2) : priors.slice(0, 2);
  const other = rowOfOwn === bottom ? top : bottom;
  const isOneRow = other.every((id) => id === null);
  const full = isOneRow ? [...rowOfOwn, ...olderRow] : slots;
  const sameView = olderRow[rowOfOwn.indexOf(own.id)] ?? null;
  const pair = rowOfOwn.every((id) => id !== null) ? rowOfOwn : [own.id, sameView];
  return {
    layout: known > 2 || (known > 1 && !isOneRow) ? "2x2" : known > 1 ? "1x2" : "1x1",
    cells: { "1x1": [own.id], "1x2": pair, "2x2": full },
    cine: false,
  };
}

/** Four places, and whether the case itself has one by its tags. Of several images of a view the case goes first. */
function slotsOf(study: readonly Hangable[], own: Hangable): [(string | null)[], boolean] {
  const slots = BREASTS.map(([side, views]) => {
    const fitting = study.filter(({ laterality, view }) => laterality === side && views.includes(view));
    return (fitting.find(({ id }) => id === own.id) ?? fitting[0])?.id ?? null;
  });
  return [slots, slots.includes(own.id)];
}

function filled(first: string[], rest: readonly string[], count: number): (string | null)[] {
  const ids = [...first, ...rest.filter((id) => !first.includes(id))].slice(0, count);
  return [...ids, ...Array<null>(count - ids.length).fill(null)];
}
