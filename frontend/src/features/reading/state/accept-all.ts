/** The lead turned "accept all" off while findings accepted so were unsent: which they are, and how they are put back. */
import type { Decision, Lesion } from "@/lib/api-types";
import { type ReadingDocument, same } from "./document";
import { removeLesion } from "./edits";

/** The server's word for this refusal. */
export const ACCEPT_ALL_REFUSED = "accept_all";

/** Decisions made at once that the server does not have; those it has may stay. */
export function heldBack(base: ReadingDocument, doc: ReadingDocument): Decision[] {
  return Object.values(doc.decisions).filter(
    (decision) => decision.at_once && !base.decisions[decision.predicted]?.at_once,
  );
}

/** These findings undecided again; one that the reader has worked on since stays, as a decision of its own. */
export function putBack(
  doc: ReadingDocument,
  held: readonly Decision[],
  findings: readonly Lesion[],
  stamp: () => number,
): ReadingDocument {
  const put = (now: ReadingDocument, decision: Decision): ReadingDocument => {
    const mine = now.lesions.find(({ id }) => id === decision.lesion);
    const found = findings.find(({ id }) => id === decision.predicted);
    if (mine && decision.kind !== "edited" && isAsFound(mine, found)) return removeLesion(now, mine.id);
    const { at_once: _, ...own } = decision;
    const { [decision.predicted]: __, ...others } = now.decisions;
    const decisions = mine ? { ...others, [decision.predicted]: { ...own, at_seconds: stamp() } } : others;
    return { ...now, decisions };
  };
  return held.reduce(put, doc);
}

function isAsFound(mine: Lesion, found: Lesion | undefined): boolean {
  return !found || same([mine.finding_type, mine.attributes], [found.finding_type, found.attributes]);
}
