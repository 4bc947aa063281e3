// @vitest-environment jsdom
import { expect, test, vi } from "vitest";

vi.mock("@/lib/imaging/pixels", () => ({
  pixelsOf: () => null,
  loadPixels: async () => [],
  sliceSpacing: () => null,
}));

import type { Measurement } from "@/lib/api-types";
import { differences } from "./differences";
import type { ReadingDocument } from "./document";
import type { RoomSession } from "./room-session";

const EMPTY: ReadingDocument = {
  ...{ lesions: [], decisions: {}, verdict: "", verdict_reason: "", comment: "" },
  ...{ image_findings: {}, measurements: [], display_threshold: null },
};
const session = {
  ...{ imageTypes: [], findings: [] },
  frames: [{ sop: "1.2.3", frame: 1, rows: 64, columns: 64, spacing: [0.5, 0.5] }],
} as unknown as RoomSession;
const words = (key: string, values?: Record<string, unknown>) => String(values?.defaultValue ?? key);

function length(id: string, to: number): Measurement {
  const points: [number, number][] = [
    [0, 0],
    [to, 0],
  ];
  return { id, kind: "length", sop_instance_uid: "1.2.3", frame: 1, points, text: "" };
}

test("two versions that differ in a measurement say which, and leave out those that are alike", () => {
  const mine = { ...EMPTY, measurements: [length("a", 10), length("b", 20)] };
  const theirs = { ...EMPTY, measurements: [length("a", 10), length("b", 30), length("c", 40)] };
  const rows = differences(session, mine, theirs, words).filter(({ name }) => name.includes("measured"));
  expect(rows).toEqual([
    { name: "measured.length 2", mine: "10.0\u00a0mm", theirs: "15.0\u00a0mm", same: false },
    { name: "measured.length 3", mine: "conflict.notMarked", theirs: "20.0\u00a0mm", same: false },
  ]);
});

test("two versions that differ in why a case was put off are told apart by the reason", () => {
  const putOff = (verdict_reason: string): ReadingDocument => ({ ...EMPTY, verdict: "deferred", verdict_reason });
  expect(differences(session, putOff("colleague"), putOff("ask Ada"), words)).toEqual([
    {
      ...{ name: "verdictLabel", same: false },
      ...{ mine: "verdict.deferred: colleague", theirs: "verdict.deferred: ask Ada" },
    },
  ]);
});
