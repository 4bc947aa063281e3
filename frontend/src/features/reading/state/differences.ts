/** Two versions of a reading side by side, line by line, in a reader's words. */
import type { Lesion, Measurement } from "@/lib/api-types";
import { fullSize, measured } from "../marks/drawn-marks";
import { measurementText } from "../marks/measurement-text";
import { lesionIn, type ReadingDocument, same } from "./document";
import type { RoomSession } from "./room-session";
import type { Words } from "./use-words";

export interface Difference {
  name: string;
  mine: string;
  theirs: string;
  same: boolean;
}

export function differences(
  session: RoomSession,
  mine: ReadingDocument,
  theirs: ReadingDocument,
  t: Words,
): Difference[] {
  const ids = [...new Set([...mine.lesions, ...theirs.lesions].map((lesion) => lesion.id))];
  const rows: Difference[] = ids.map((id, i) => {
    const [one, other] = [find(mine, id), find(theirs, id)];
    const known = one ?? other;
    const type = known ? (session.typeOf(known.finding_type)?.name ?? "?") : "?";
    const equal = Boolean(one && other && same(lesionIn(one), lesionIn(other)));
    return {
      name: `${i + 1} ${type}`,
      mine: words(session, one, t),
      theirs: words(session, other, t),
      same: equal,
    };
  });
  const equal = rows.filter((row) => row.same).length;
  const shown = rows.filter((row) => !row.same);
  if (equal > 0) {
    const text = t("marksCount", { count: equal });
    shown.push({
      name: t(shown.length ? "conflict.otherMarks" : "yourMarks"),
      mine: text,
      theirs: text,
      same: true,
    });
  }
  shown.push(...measurementDifferences(session, mine, theirs, t));
  shown.push(line(t("verdictLabel"), verdict(mine, t), verdict(theirs, t)));
  if (mine.comment || theirs.comment) shown.push(line(t("comment"), mine.comment || "", theirs.comment || ""));
  for (const type of session.imageTypes) {
    const say = (doc: ReadingDocument) =>
      t(doc.image_findings[String(type.id)] === "present" ? "conflict.present" : "conflict.absent");
    if (say(mine) !== say(theirs)) shown.push(line(type.name, say(mine), say(theirs)));
  }
  if (session.findings.length) {
    const decided = (doc: ReadingDocument) =>
      t("decided", { decided: Object.keys(doc.decisions).length, total: session.findings.length });
    const agree = same(kinds(mine), kinds(theirs));
    shown.push({ name: t("model"), mine: decided(mine), theirs: decided(theirs), same: agree });
  }
  return shown;
}

const find = (doc: ReadingDocument, id: string) => doc.lesions.find((lesion) => lesion.id === id);
const kinds = (doc: ReadingDocument) => Object.values(doc.decisions).map((one) => [one.predicted, one.kind]);
const line = (name: string, mine: string, theirs: string) => ({ name, mine, theirs, same: mine === theirs });

/** The measurements that differ; those that are alike say nothing. */
function measurementDifferences(
  session: RoomSession,
  mine: ReadingDocument,
  theirs: ReadingDocument,
  t: Words,
): Difference[] {
  const ids = [...new Set([...mine.measurements, ...theirs.measurements].map(({ id }) => id))];
  return ids.flatMap((id, i) => {
    const [one, other] = [mine, theirs].map(({ measurements }) => measurements.find((known) => known.id === id));
    if (same(one, other)) return [];
    const say = (found: Measurement | undefined) =>
      found ? measurementText(session, found, t).join(" · ") : t("conflict.notMarked");
    const name = `${t(`measured.${(one ?? other)?.kind}`)} ${i + 1}`;
    return [{ name, mine: say(one), theirs: say(other), same: false }];
  });
}

function verdict({ verdict, verdict_reason: why }: ReadingDocument, t: Words): string {
  if (!verdict) return t("conflict.noVerdict");
  const said = t(`verdict.${verdict}`);
  return why ? `${said}: ${t(`reason.${why}`, { defaultValue: why })}` : said;
}

function words(session: RoomSession, lesion: Lesion | undefined, t: Words): string {
  if (!lesion) return t("conflict.notMarked");
  const size = measured(session, lesion);
  const parts = [t(`kind.${lesion.kind}`), size ? fullSize(size) : ""];
  if (session.frames.length > 1) parts.push(t("onSlice", { n: session.frameIndexOf(lesion) + 1 }));
  parts.push(...Object.values(lesion.attributes));
  return parts.filter(Boolean).join(" · ");
}
