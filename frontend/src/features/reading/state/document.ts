/** What a reader says of a case, as one immutable value: the unit of undo, of the journal and of a save. */
import type { Decision, Lesion, MaskRef, Measurement, Prompted, Reading, Verdict } from "@/lib/api-types";

export interface ReadingDocument {
  lesions: Lesion[];
  /** By the id of the predicted lesion. */
  decisions: Record<string, Decision>;
  verdict: Verdict;
  verdict_reason: string;
  comment: string;
  image_findings: Record<string, unknown>;
  measurements: Measurement[];
  /** The reader's own, above the model's: findings below it were not shown. */
  display_threshold: number | null;
}

export function documentOf(reading: Reading): ReadingDocument {
  return {
    lesions: reading.lesions,
    decisions: Object.fromEntries(reading.decisions.map((decision) => [decision.predicted, decision])),
    verdict: reading.verdict,
    verdict_reason: reading.verdict_reason,
    comment: reading.comment,
    image_findings: reading.image_findings,
    measurements: reading.measurements,
    display_threshold: reading.display_threshold,
  };
}

/** What a save says of a lesion. Scores are the model's and stay with its own lesions; the server adds them. */
export type LesionIn = Omit<Lesion, "score" | "origin_score" | "moved_pixels" | "look" | "prompted"> & {
  prompted: Prompted | null;
};

export function lesionIn(lesion: Lesion): LesionIn {
  const { id, finding_type, kind, sop_instance_uid, frame, points, mask, drawn_as, attributes } = lesion;
  const { origin, origin_lesion, prompted = null } = lesion;
  return {
    ...{ id, finding_type, kind, sop_instance_uid, frame, points, mask, drawn_as, attributes },
    ...{ origin, origin_lesion, prompted },
  };
}

/** The masks of which a lesion needs the bytes: its own, and the one it was drawn as. */
export function masksOf({ mask, drawn_as }: Pick<Lesion, "mask" | "drawn_as">): MaskRef[] {
  return [mask, drawn_as?.mask ?? null].filter((one) => one !== null);
}

type Overall = Omit<ReadingDocument, "lesions" | "decisions">;

export interface Changes {
  lesions: { upsert: LesionIn[]; remove: string[] };
  decisions: { upsert: Decision[]; remove: string[] };
  /** How many of verdict, its reason, comment, image findings, measurements and threshold differ. */
  overall: number;
}

export function changesBetween(base: ReadingDocument, doc: ReadingDocument): Changes {
  const before = new Map(base.lesions.map((lesion) => [lesion.id, lesion]));
  const after = new Set(doc.lesions.map((lesion) => lesion.id));
  const changed = (lesion: Lesion) => {
    const known = before.get(lesion.id);
    return known !== lesion && (!known || !same(lesionIn(known), lesionIn(lesion)));
  };
  const decided = Object.values(doc.decisions);
  return {
    lesions: {
      upsert: doc.lesions.filter(changed).map(lesionIn),
      remove: base.lesions.filter((lesion) => !after.has(lesion.id)).map((lesion) => lesion.id),
    },
    decisions: {
      upsert: decided.filter((decision) => {
        const known = base.decisions[decision.predicted];
        return known !== decision && !(known && sameDecision(known, decision));
      }),
      remove: Object.keys(base.decisions).filter((predicted) => !doc.decisions[predicted]),
    },
    overall: overallKeys.filter((key) => !same(base[key], doc[key])).length,
  };
}

const overallKeys: (keyof Overall)[] = [
  "verdict",
  "verdict_reason",
  "comment",
  "image_findings",
  "measurements",
  "display_threshold",
];

function sameDecision(one: Decision, other: Decision): boolean {
  return one.kind === other.kind && one.reason === other.reason && one.lesion === other.lesion;
}

export function countChanges({ lesions, decisions, overall }: Changes): number {
  return (
    lesions.upsert.length + lesions.remove.length + decisions.upsert.length + decisions.remove.length + overall
  );
}

export function sameContent(one: ReadingDocument, other: ReadingDocument): boolean {
  return one === other || countChanges(changesBetween(one, other)) === 0;
}

/** Deep equality of JSON values; the order of keys does not matter. */
export function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) => key in other && same((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
  );
}
