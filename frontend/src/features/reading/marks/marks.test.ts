// @vitest-environment jsdom
import { describe, expect, test, vi } from "vitest";
import type { FindingType, Lesion } from "@/lib/api-types";
import type { Affine, Point } from "@/lib/imaging/coordinates";

vi.mock("@/lib/imaging/pixels", () => ({
  pixelsOf: () => null,
  loadPixels: async () => [],
  sliceSpacing: () => null,
}));

import { hitMarks } from "../geometry/hit-test";
import { outlineOf } from "../geometry/mark";
import type { MaskGrid } from "../geometry/mask-grid";
import type { ReadingDocument } from "../state/document";
import { addLesion, convertLesion, drawnCopy, mergeLesions, revertLesion, splitLesion } from "../state/edits";
import type { RoomSession } from "../state/room-session";
import { kindOfTool, mayUse } from "../state/room-ui";
import { drawnMarks, type MarksUi } from "./drawn-marks";
import { extentText } from "./measurement-text";

const EMPTY: ReadingDocument = {
  ...{ lesions: [], decisions: {}, verdict: "", verdict_reason: "", comment: "" },
  ...{ image_findings: {}, measurements: [], display_threshold: null },
};

function box(id: string, left: number, top: number, size = 10, extra: Partial<Lesion> = {}): Lesion {
  const points: Point[] = [
    [left, top],
    [left + size, top + size],
  ];
  return {
    ...{ id, finding_type: 1, kind: "box", sop_instance_uid: "1.2.3", frame: 1, points, mask: null },
    ...{ drawn_as: null, attributes: {}, score: null, origin: "drawn", origin_lesion: null },
    ...{ origin_score: null, moved_pixels: null, ...extra },
  };
}

const maskPlace = (digest: string) => ({
  kind: "mask" as const,
  points: [],
  mask: { origin: [0, 0, 0] as [number, number, number], shape: [1, 1, 1] as [number, number, number], digest },
  sop_instance_uid: "1.2.3",
  frame: 1,
});

describe("what is done to marks as a whole", () => {
  test("a converted mark remembers the first kind it had, however often it is converted, and goes back to it", () => {
    const first = box("a", 10, 10);
    const once = convertLesion(addLesion(EMPTY, first), first, {
      ...{ kind: "ellipse", points: [], mask: null, sop_instance_uid: "1.2.3", frame: 1 },
    });
    const twice = convertLesion(once, once.lesions[0] as Lesion, maskPlace("m"));
    expect(twice.lesions[0]?.drawn_as).toEqual({
      ...{ kind: "box", points: first.points, mask: null, sop_instance_uid: "1.2.3", frame: 1 },
    });
    expect(revertLesion(twice, twice.lesions[0] as Lesion).lesions).toEqual([first]);
  });

  test("an accepted finding that is converted was edited", () => {
    const taken = box("a", 1, 1, 10, { origin: "accepted", origin_lesion: "p" });
    const decision = { predicted: "p", kind: "accepted" as const, reason: "", lesion: "a", threshold: 0.5 };
    const doc = { ...addLesion(EMPTY, taken), decisions: { p: decision } };
    expect(convertLesion(doc, taken, maskPlace("m")).decisions.p?.kind).toBe("edited");
  });

  test("merged lesions are one, and the findings they were adopted from point to it", () => {
    const one = box("a", 1, 1, 10, { origin: "accepted", origin_lesion: "p" });
    const other = box("b", 30, 30, 10, { origin: "accepted", origin_lesion: "q" });
    const decided = (predicted: string, lesion: string) => ({
      ...{ predicted, lesion, kind: "accepted" as const, reason: "", threshold: 0.5 },
    });
    const doc = {
      ...addLesion(addLesion(EMPTY, one), other),
      decisions: { p: decided("p", "a"), q: decided("q", "b") },
    };
    const merged = mergeLesions(doc, ["a", "b"], maskPlace("m"));
    expect(merged.lesions.map(({ id, kind }) => [id, kind])).toEqual([["a", "mask"]]);
    expect(Object.values(merged.decisions).map(({ kind, lesion }) => [kind, lesion])).toEqual([
      ["edited", "a"],
      ["edited", "a"],
    ]);
    expect(mergeLesions(doc, ["a"], maskPlace("m"))).toBe(doc);
  });

  test("a split lesion keeps its origin with the first piece; the others were drawn", () => {
    const whole = box("a", 1, 1, 10, {
      ...maskPlace("m"),
      origin: "edited",
      origin_lesion: "p",
      origin_score: 0.7,
    });
    const { lesions } = splitLesion(addLesion(EMPTY, whole), whole, [maskPlace("x"), maskPlace("y")], ["new"]);
    expect(lesions.map(({ id, origin, origin_lesion }) => [id, origin, origin_lesion])).toEqual([
      ["a", "edited", "p"],
      ["new", "drawn", null],
    ]);
    expect(drawnCopy(whole, "c", maskPlace("z")).origin_score).toBeNull();
  });
});

describe("which tool a type allows", () => {
  const type = (...allowed_marks: Lesion["kind"][]) => ({ allowed_marks }) as FindingType;

  test("contour tools make an outline of the kind that is allowed", () => {
    expect(kindOfTool("livewire", ["polygon"])).toBe("polygon");
    expect(kindOfTool("spline", ["polygon", "freehand"])).toBe("freehand");
    expect(mayUse("spline", type("polygon"))).toBe(true);
    expect(mayUse("brush", type("polygon"))).toBe(false);
    expect(mayUse("scissors", type("polygon"))).toBe(true);
    expect(mayUse("length", type("box"))).toBe(true);
  });
});

const TO: Affine = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };

describe("two hundred lesions", () => {
  const lesions = Array.from({ length: 200 }, (_, i) =>
    box(`l${i}`, (i % 20) * 140, Math.floor(i / 20) * 140, 60),
  );

  /** Outlines whose vertices are counted as they are read. */
  function counted() {
    const read = { count: 0 };
    const marks = lesions.map(({ id, kind, points }) => ({
      id,
      outlines: [
        new Proxy(outlineOf(kind, points), {
          get: (line, key) => {
            if (typeof key === "string" && /^\d+$/.test(key)) read.count += 1;
            return Reflect.get(line, key);
          },
        }) as Point[],
      ],
    }));
    return { marks, read };
  }

  test("a press looks at the outlines beside it alone", () => {
    const { marks, read } = counted();
    expect(hitMarks([30, 30], marks, TO)).toEqual([{ id: "l0", part: "inside" }]);
    const first = read.count;
    read.count = 0;
    expect(hitMarks([170, 30], marks, TO)).toEqual([{ id: "l1", part: "inside" }]);
    expect(first).toBeLessThan(200 * 4 + 100);
    expect(read.count).toBeLessThan(40);
  });

  test("marks that lie over each other are all found, the nearest edge first, then the smallest", () => {
    const stack = [box("outer", 0, 0, 100), box("inner", 20, 20, 60), box("edge", 49, 40, 30)];
    const drawn = stack.map(({ id, kind, points }) => ({ id, outlines: [outlineOf(kind, points)] }));
    expect(hitMarks([50, 55], drawn, TO).map(({ id, part }) => [id, part])).toEqual([
      ["edge", "edge"],
      ["inner", "inside"],
      ["outer", "inside"],
    ]);
  });

  test("pulling one of them draws one anew and leaves the others the same objects", () => {
    const contours = new WeakMap<Lesion, Point[][]>();
    const made = { count: 0 };
    const session = {
      room: { others: [] },
      findings: [],
      frames: [{ sop: "1.2.3", frame: 1, rows: 3000, columns: 3000, spacing: [0.1, 0.1] }],
      masks: { gridOf: () => null as MaskGrid | null },
      shownFindings: () => [],
      isOnFrame: () => true,
      frameIndexOf: () => 0,
      typeOf: () => ({ name: "Nodule", colour: "#eaaa1c" }),
      outlines: (lesion: Lesion) => {
        const known = contours.get(lesion) ?? [outlineOf(lesion.kind, lesion.points)];
        if (!contours.has(lesion)) made.count += 1;
        contours.set(lesion, known);
        return known;
      },
    } as unknown as RoomSession;
    const ui: MarksUi = {
      ...{ marksHidden: false, originals: false, hidden: new Set<string>(), othersShown: new Set<string>() },
      ...{ preview: null, painting: null, colourBy: "type" },
    };
    const reading = { doc: { ...EMPTY, lesions }, selected: "l7", focused: null };
    const before = drawnMarks(session, reading, ui, 0);
    expect(made.count).toBe(200);
    const pulled = {
      ...(lesions[7] as Lesion),
      points: [
        [1, 1],
        [50, 50],
      ] as Point[],
    };
    const after = drawnMarks(session, reading, { ...ui, preview: pulled }, 0);
    expect(made.count).toBe(201);
    expect(after.filter((mark, i) => mark !== before[i]).map(({ id }) => id)).toEqual(["l7"]);
    expect(drawnMarks(session, reading, { ...ui, colourBy: "reader" }, 0)[0]?.colour).toBe("#ffc44d");
  });
});

test("a mask over slices whose distance nobody knows has no volume in millimetres", () => {
  const session = { frames: [{ spacing: [0.5, 0.5] }, { spacing: [0.5, 0.5] }] } as unknown as RoomSession;
  const filled = (frames: number): MaskGrid => ({
    ...{ origin: [0, 0, 0], shape: [frames, 2, 2], data: new Uint8Array(frames * 4).fill(1) },
  });
  expect(extentText(session, filled(2))).toBe("8\u00a0px");
  expect(extentText(session, filled(1))).toBe("1.0\u00a0mm²");
});
