import { describe, expect, test } from "vitest";
import type { Lesion } from "@/lib/api-types";
import { heldBack, putBack } from "./accept-all";
import type { ReadingDocument } from "./document";
import { addLesion, adoptFinding, changeLesion, setVerdict } from "./edits";

function lesion(id: string, extra: Partial<Lesion> = {}): Lesion {
  return {
    ...{ id, finding_type: 1, kind: "box", sop_instance_uid: "1.2.3", frame: 1, mask: null, drawn_as: null },
    points: [
      [1, 2],
      [30, 40],
    ],
    ...{ attributes: {}, score: null, origin: "drawn", origin_lesion: null, origin_score: null },
    moved_pixels: null,
    ...extra,
  };
}

const EMPTY: ReadingDocument = {
  ...{ lesions: [], decisions: {}, verdict: "", verdict_reason: "", comment: "", image_findings: {} },
  ...{ measurements: [], display_threshold: null },
};
const findings = ["p", "q", "r"].map((id) => lesion(id, { score: 0.9, origin: "predicted" }));

function acceptedAtOnce(doc: ReadingDocument): ReadingDocument {
  const adopt = (now: ReadingDocument, predicted: Lesion) =>
    adoptFinding(now, {
      ...{ predicted, kind: "accepted", id: `own-${predicted.id}`, threshold: 0.5, atSeconds: 5, atOnce: true },
    });
  return findings.reduce(adopt, doc);
}

const own = (doc: ReadingDocument, id: string) => doc.lesions.find((one) => one.id === id) as Lesion;

function stamps(): () => number {
  let at = 20;
  return () => {
    at += 0.2;
    return at;
  };
}

describe("what was accepted at once and is refused", () => {
  test("is what the server does not have yet, not what it took while the lead allowed it", () => {
    const doc = acceptedAtOnce(EMPTY);
    expect(heldBack(EMPTY, doc).map((one) => one.predicted)).toEqual(["p", "q", "r"]);
    expect(heldBack(doc, doc)).toEqual([]);
    const byHand = adoptFinding(EMPTY, {
      ...{ predicted: findings[0] as Lesion, kind: "accepted", id: "mine", threshold: 0.5, atSeconds: 3 },
    });
    expect(heldBack(EMPTY, byHand)).toEqual([]);
  });

  test("becomes undecided again; everything else stays", () => {
    const before = { ...addLesion(EMPTY, lesion("drawn")), comment: "as before" };
    const doc = acceptedAtOnce(before);
    const after = putBack(doc, heldBack(EMPTY, doc), findings, stamps());
    expect(after).toEqual(before);
    expect(heldBack(EMPTY, after)).toEqual([]);
  });

  test("leaves no verdict that only its marks gave", () => {
    const doc = acceptedAtOnce(EMPTY);
    expect(putBack(doc, heldBack(EMPTY, doc), findings, stamps()).verdict).toBe("");
    const unreadable = setVerdict(doc, "not_readable", "motion");
    expect(putBack(unreadable, heldBack(EMPTY, doc), findings, stamps()).verdict).toBe("not_readable");
  });

  test("stays where the reader has worked on it since: that is a decision of its own, with its own time", () => {
    let doc = acceptedAtOnce(EMPTY);
    const points: Lesion["points"] = [
      [2, 2],
      [31, 40],
    ];
    doc = changeLesion(doc, { ...own(doc, "own-p"), points });
    doc = changeLesion(doc, { ...own(doc, "own-q"), attributes: { margin: "smooth" } });
    const after = putBack(doc, heldBack(EMPTY, doc), findings, stamps());
    expect(after.lesions.map(({ id }) => id)).toEqual(["own-p", "own-q"]);
    expect(Object.values(after.decisions)).toEqual([
      { predicted: "p", kind: "edited", reason: "", lesion: "own-p", threshold: 0.5, at_seconds: 20.2 },
      { predicted: "q", kind: "accepted", reason: "", lesion: "own-q", threshold: 0.5, at_seconds: 20.4 },
    ]);
    expect(after.verdict).toBe("lesions");
  });
});
