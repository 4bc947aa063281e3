/** Everything a reader can do to a reading, as pure functions from document to document. */
import type { Decision, DecisionKind, DrawnAs, Lesion, Measurement, Verdict } from "@/lib/api-types";
import { type ReadingDocument, same } from "./document";

export function addLesion(doc: ReadingDocument, lesion: Lesion): ReadingDocument {
  return withVerdictOfMarks({ ...doc, lesions: [...doc.lesions, lesion] });
}

/** A changed place makes an accepted finding an edited one, and says so in its decision. */
export function changeLesion(doc: ReadingDocument, lesion: Lesion): ReadingDocument {
  const before = doc.lesions.find((known) => known.id === lesion.id);
  if (!before || same(before, lesion)) return doc;
  const moved = !same([before.points, before.mask, before.kind], [lesion.points, lesion.mask, lesion.kind]);
  const becomesEdited = before.origin === "accepted" && moved;
  const after: Lesion = becomesEdited ? { ...lesion, origin: "edited" } : lesion;
  const lesions = doc.lesions.map((known) => (known.id === lesion.id ? after : known));
  if (!becomesEdited || !lesion.origin_lesion) return { ...doc, lesions };
  const decision = doc.decisions[lesion.origin_lesion];
  const decisions = decision
    ? { ...doc.decisions, [decision.predicted]: { ...decision, kind: "edited" as const } }
    : doc.decisions;
  return { ...doc, lesions, decisions };
}

/** Say a value of an attribute; said again, it is said no longer. */
export function toggleAttribute(
  doc: ReadingDocument,
  lesion: Lesion,
  name: string,
  value: string,
): ReadingDocument {
  const { [name]: known, ...rest } = lesion.attributes;
  return changeLesion(doc, { ...lesion, attributes: known === value ? rest : { ...rest, [name]: value } });
}

/** Say a value of an attribute in place of any other; "" says nothing. */
export function setAttribute(doc: ReadingDocument, lesion: Lesion, name: string, value: string): ReadingDocument {
  const { [name]: _known, ...rest } = lesion.attributes;
  return changeLesion(doc, { ...lesion, attributes: value ? { ...rest, [name]: value } : rest });
}

/** Gone; a finding that was accepted or edited into it is undecided again. */
export function removeLesion(doc: ReadingDocument, id: string): ReadingDocument {
  if (!doc.lesions.some((lesion) => lesion.id === id)) return doc;
  const decisions = Object.fromEntries(
    Object.entries(doc.decisions).filter(([, decision]) => decision.lesion !== id),
  );
  return withVerdictOfMarks({ ...doc, lesions: doc.lesions.filter((lesion) => lesion.id !== id), decisions });
}

type Place = Pick<Lesion, "kind" | "points" | "mask" | "sop_instance_uid" | "frame">;

/** Another kind of mark for the same lesion, which remembers what it was first drawn as. */
export function convertLesion(doc: ReadingDocument, lesion: Lesion, place: Place): ReadingDocument {
  const { kind, points, mask, sop_instance_uid, frame } = lesion;
  const first: DrawnAs = { kind, points, mask, sop_instance_uid, frame };
  return changeLesion(doc, { ...lesion, ...place, drawn_as: lesion.drawn_as ?? first });
}

/** Back to what it was before it was converted. */
export function revertLesion(doc: ReadingDocument, lesion: Lesion): ReadingDocument {
  return lesion.drawn_as ? changeLesion(doc, { ...lesion, ...lesion.drawn_as, drawn_as: null }) : doc;
}

/** Several lesions as one: the first takes the place, the others go; findings they were adopted from are edited into it. */
export function mergeLesions(doc: ReadingDocument, ids: readonly string[], place: Place): ReadingDocument {
  const [kept, ...gone] = doc.lesions.filter(({ id }) => ids.includes(id));
  if (!kept || gone.length === 0) return doc;
  const merged = convertLesion(doc, kept, place);
  const taken = new Set(gone.map(({ id }) => id));
  const decisions = Object.fromEntries(
    Object.entries(merged.decisions).map(([predicted, decision]) => [
      predicted,
      decision.lesion && taken.has(decision.lesion)
        ? { ...decision, kind: "edited" as const, lesion: kept.id }
        : decision,
    ]),
  );
  return { ...merged, lesions: merged.lesions.filter(({ id }) => !taken.has(id)), decisions };
}

/** One lesion as several: it keeps the first place itself, the others are new lesions of its type, drawn by hand. */
export function splitLesion(
  doc: ReadingDocument,
  lesion: Lesion,
  places: readonly Place[],
  newIds: readonly string[],
): ReadingDocument {
  const [own, ...others] = places;
  if (!own || others.length === 0) return doc;
  const copies = others.map((place, i) => drawnCopy(lesion, newIds[i] as string, place));
  const changed = changeLesion(doc, { ...lesion, ...own });
  return { ...changed, lesions: [...changed.lesions, ...copies] };
}

/** A lesion like another, drawn by the reader: what came from the model stays with the one that was decided on. */
export function drawnCopy(lesion: Lesion, id: string, place: Place): Lesion {
  const { finding_type, attributes, prompted = null } = lesion;
  return {
    ...{ id, finding_type, attributes, prompted, ...place },
    ...{
      drawn_as: null,
      score: null,
      origin: "drawn",
      origin_lesion: null,
      origin_score: null,
      moved_pixels: null,
    },
  };
}

/** Add a measurement, or store a changed one. */
export function putMeasurement(doc: ReadingDocument, measurement: Measurement): ReadingDocument {
  const known = doc.measurements.find(({ id }) => id === measurement.id);
  if (known && same(known, measurement)) return doc;
  const measurements = known
    ? doc.measurements.map((one) => (one.id === measurement.id ? measurement : one))
    : [...doc.measurements, measurement];
  return { ...doc, measurements };
}

export function removeMeasurement(doc: ReadingDocument, id: string): ReadingDocument {
  const measurements = doc.measurements.filter((one) => one.id !== id);
  return measurements.length === doc.measurements.length ? doc : { ...doc, measurements };
}

interface Adoption {
  predicted: Lesion;
  kind: Exclude<DecisionKind, "rejected">;
  id: string;
  threshold: number;
  /** Seconds of work on the case until now. */
  atSeconds?: number | undefined;
  /** With others, by one command. */
  atOnce?: boolean;
}

/** Accept a finding, or take it over to edit it: the person's own solid copy, which remembers where it came from. */
export function adoptFinding(
  doc: ReadingDocument,
  { predicted, kind, id, threshold, atSeconds, atOnce = false }: Adoption,
): ReadingDocument {
  const known = doc.decisions[predicted.id];
  const copy = known?.lesion ? doc.lesions.find((lesion) => lesion.id === known.lesion) : undefined;
  if (known && copy && (known.kind === kind || known.kind === "edited")) return doc;
  const lesion: Lesion = copy
    ? { ...copy, origin: kind }
    : {
        ...predicted,
        id,
        score: null,
        origin: kind,
        origin_lesion: predicted.id,
        origin_score: predicted.score,
        moved_pixels: 0,
      };
  const lesions = copy
    ? doc.lesions.map((other) => (other.id === lesion.id ? lesion : other))
    : [...doc.lesions, lesion];
  const decision: Decision = {
    ...{ predicted: predicted.id, kind, reason: "", lesion: lesion.id, threshold },
    at_seconds: atSeconds ?? null,
    ...(atOnce ? { at_once: true } : {}),
  };
  return withVerdictOfMarks({ ...doc, lesions, decisions: { ...doc.decisions, [predicted.id]: decision } });
}

export function rejectFinding(
  doc: ReadingDocument,
  {
    predicted,
    reason,
    threshold,
    atSeconds,
  }: { predicted: Lesion; reason: string; threshold: number; atSeconds?: number | undefined },
): ReadingDocument {
  const known = doc.decisions[predicted.id];
  if (known?.kind === "rejected" && known.reason === reason) return doc;
  const without = known?.lesion ? removeLesion(doc, known.lesion) : doc;
  const decision: Decision = {
    ...{ predicted: predicted.id, kind: "rejected" as const, reason, lesion: null, threshold },
    at_seconds: atSeconds ?? null,
  };
  return { ...without, decisions: { ...without.decisions, [predicted.id]: decision } };
}

export function setVerdict(doc: ReadingDocument, verdict: Verdict, reason = ""): ReadingDocument {
  if (doc.verdict === verdict && doc.verdict_reason === reason) return doc;
  return { ...doc, verdict, verdict_reason: reason };
}

/** Present, or not said: on submitting, what was not said of a shown finding is absent. */
export function toggleImageFinding(doc: ReadingDocument, type: number): ReadingDocument {
  const key = String(type);
  const { [key]: known, ...rest } = doc.image_findings;
  return { ...doc, image_findings: known === "present" ? rest : { ...rest, [key]: "present" } };
}

/** Every image finding that was offered and not marked is absent. */
export function completeImageFindings(doc: ReadingDocument, types: number[]): ReadingDocument {
  const missing = types.filter((type) => doc.image_findings[String(type)] === undefined);
  if (missing.length === 0) return doc;
  const absent = Object.fromEntries(missing.map((type) => [String(type), "absent"]));
  return { ...doc, image_findings: { ...doc.image_findings, ...absent } };
}

/** Hide findings below a score; never below what the model version shows. */
export function setThreshold(doc: ReadingDocument, threshold: number, least: number): ReadingDocument {
  const raised = Math.round(Math.min(1, Math.max(least, threshold)) * 100) / 100;
  const own = raised <= least ? null : raised;
  return own === doc.display_threshold ? doc : { ...doc, display_threshold: own };
}

/** A mark says "lesions" unless the image cannot be judged; with the last mark that verdict goes, never another. */
function withVerdictOfMarks(doc: ReadingDocument): ReadingDocument {
  if (doc.lesions.length > 0 && (doc.verdict === "" || doc.verdict === "no_lesion")) {
    return { ...doc, verdict: "lesions", verdict_reason: "" };
  }
  if (doc.lesions.length === 0 && doc.verdict === "lesions") return { ...doc, verdict: "", verdict_reason: "" };
  return doc;
}
