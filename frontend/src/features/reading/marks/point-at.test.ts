// @vitest-environment jsdom
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Lesion } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";

vi.mock("@/lib/imaging/pixels", () => ({
  pixelsOf: () => ({ value: (row: number, column: number) => (row < 8 && column < 8 ? 200 : 10) }),
  loadPixels: async () => [],
  sliceSpacing: () => null,
}));

import { encodeRuns } from "../geometry/run-length";
import { documentOf } from "../state/document";
import { MaskStore } from "../state/mask-store";
import { createReadingStore } from "../state/reading-store";
import type { RoomSession } from "../state/room-session";
import { createRoomUi, type PointDraft } from "../state/room-ui";
import type { Ground, Pointer } from "./gesture";
import { keepOutline, pointAt, shownOutline, unpoint } from "./point-at";

const TYPE = { id: 1, name: "Mass", scope: "lesion", allowed_marks: ["mask"] } as never;
const READING = { lesions: [], decisions: [], verdict: "", verdict_reason: "", comment: "" };
const asked = vi.fn();
let answers: { status: number; body: unknown }[] = [];

function groundOf(room: Partial<RoomSession["room"]>, frames = 2): Ground {
  const store = createReadingStore(
    documentOf({ ...READING, image_findings: {}, measurements: [], display_threshold: null } as never),
  );
  const ui = createRoomUi([TYPE], false);
  const session = {
    ...{ store, ui, masks: new MaskStore(async () => new Uint8Array()), activeType: TYPE },
    room: { arm: "assisted", first_look: false, case: { id: crypto.randomUUID() }, ...room },
    project: { slug: "breast" },
    frames: Array.from({ length: frames }, (_, i) => ({ sop: `1.${i}`, frame: 1, rows: 20, columns: 30 })),
    say: (key: string | null, values?: object) =>
      ui.setState({ hint: key ? ({ key, ...(values ? { values } : {}) } as never) : null }),
    edit: (change: never) => store.getState().edit(change),
    select: (id: string | null) => store.getState().select(id),
    get selectedLesion() {
      const { doc, selected } = store.getState();
      return doc.lesions.find((lesion) => lesion.id === selected) ?? null;
    },
  } as unknown as RoomSession;
  const view = { store: { getState: () => ({ toCanvas: { a: 10, b: 0, c: 0, d: 10, e: 0, f: 0 } }) } };
  return { session, view, index: 0, frame: session.frames[0] } as unknown as Ground;
}

const at = (x: number, y: number, held: Partial<Pointer> = {}): Pointer => ({
  ...{ at: [x, y] as Point, canvas: [x * 10, y * 10] as Point, shift: false, alt: false },
  ...held,
});
function click(ground: Ground, x: number, y: number, held: Partial<Pointer> = {}): void {
  pointAt(ground, at(x, y, held))?.end(at(x, y, held));
}
const draftOf = (ground: Ground) => ground.session.ui.getState().draft as PointDraft | null;
const outlined = (origin: number[], rows: number, columns: number, version = 3) => ({
  status: 200,
  body: {
    version,
    mask: {
      ...{ origin, shape: [1, rows, columns] },
      runs: btoa(String.fromCharCode(...encodeRuns(new Uint8Array(rows * columns).fill(1)))),
    },
  },
});
const arrived = () => vi.waitFor(() => expect(asked.mock.results.length).toBeGreaterThan(0));
const settled = async (ground: Ground) =>
  vi.waitFor(() => expect(draftOf(ground)?.steps.every((step) => step.outline)).toBe(true));

beforeEach(() => {
  asked.mockReset();
  answers = [];
  vi.stubGlobal(
    "fetch",
    asked.mockImplementation(async () => {
      const next = answers.shift();
      if (!next) throw new TypeError("offline");
      return new Response(JSON.stringify(next.body), { status: next.status });
    }),
  );
});

describe("pointing at a lesion", () => {
  test("a click comes back as a draft of the model's, a further one corrects it, Enter keeps it with its clicks", async () => {
    const ground = groundOf({});
    answers = [outlined([0, 2, 3], 4, 5), outlined([0, 2, 3], 2, 2)];
    click(ground, 5.5, 4.5);
    expect(draftOf(ground)?.steps).toHaveLength(1);
    await settled(ground);
    expect(ground.session.store.getState().doc.lesions).toEqual([]);
    click(ground, 7.5, 4.5, { alt: true });
    await settled(ground);
    expect(JSON.parse(asked.mock.calls[1]?.[1].body)).toEqual({
      ...{ sop_instance_uid: "1.0", frame: 1, positive: [[5.5, 4.5]], negative: [[7.5, 4.5]], box: null },
    });
    expect(keepOutline(ground)).toBe(true);
    const [lesion] = ground.session.store.getState().doc.lesions as [Lesion];
    expect(lesion.kind).toBe("mask");
    expect(lesion.mask?.shape).toEqual([1, 2, 2]);
    expect(lesion.prompted).toEqual({ version: 3, positive: [[5.5, 4.5]], negative: [[7.5, 4.5]], box: null });
    expect(draftOf(ground)).toBeNull();
    expect(keepOutline(ground)).toBe(false);
  });

  test("undo takes one click back at a time and asks nobody again", async () => {
    const ground = groundOf({});
    answers = [outlined([0, 2, 3], 4, 5), outlined([0, 2, 3], 2, 2)];
    click(ground, 5, 4);
    await settled(ground);
    click(ground, 7, 4);
    await settled(ground);
    expect(unpoint(ground)).toBe(true);
    expect(shownOutline(draftOf(ground) as PointDraft)?.grid?.shape).toEqual([1, 4, 5]);
    expect(unpoint(ground)).toBe(true);
    expect(draftOf(ground)).toBeNull();
    expect(unpoint(ground)).toBe(false);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("a drag is a box, and less than that a click", async () => {
    const ground = groundOf({});
    answers = [outlined([0, 2, 3], 4, 5)];
    const gesture = pointAt(ground, at(3, 3));
    gesture?.move(at(12, 9), []);
    expect(draftOf(ground)?.drag).not.toBeNull();
    gesture?.end(at(12, 9));
    await settled(ground);
    expect(JSON.parse(asked.mock.calls[0]?.[1].body).box).toEqual([
      [3, 3],
      [12, 9],
    ]);
  });

  test("with the other tool a drag is a stroke over the lesion, with Alt one beside it, and a press alone a click", async () => {
    const ground = groundOf({});
    ground.session.ui.setState({ tool: "scribble" });
    answers = [outlined([0, 2, 3], 4, 5), outlined([0, 2, 3], 4, 5), outlined([0, 2, 3], 4, 5)];
    const gesture = pointAt(ground, at(3, 3));
    for (let x = 3.5; x <= 12; x += 0.5) gesture?.move(at(x, 3), [at(x - 0.25, 3)]);
    gesture?.move(at(12, 9), []);
    expect(draftOf(ground)?.drag?.kind).toBe("stroke");
    gesture?.end(at(12, 9));
    await settled(ground);
    const beside = pointAt(ground, at(20, 15, { alt: true }));
    beside?.move(at(25, 15), []);
    beside?.end(at(25, 15));
    await settled(ground);
    click(ground, 5, 4);
    await settled(ground);
    const [over, off] = [
      { positive: true, points: [[3, 3], [12, 3], [12, 9]] },
      { positive: false, points: [[20, 15], [25, 15]] },
    ]; // biome-ignore format: pairs
    expect(JSON.parse(asked.mock.calls[0]?.[1].body).strokes).toEqual([over]);
    expect(JSON.parse(asked.mock.calls[2]?.[1].body)).toMatchObject({ strokes: [over, off], positive: [[5, 4]] });
    keepOutline(ground);
    expect(ground.session.store.getState().doc.lesions[0]?.prompted?.strokes).toEqual([over, off]);
  });

  test("with Alt a drag is a stroke with either tool, a stroke back to where it began too, and beside nothing it is none", async () => {
    const ground = groundOf({});
    const hint = () => ground.session.ui.getState().hint?.key;
    const beside = pointAt(ground, at(20, 15, { alt: true }));
    beside?.move(at(25, 15), []);
    beside?.end(at(20, 15));
    expect([hint(), draftOf(ground)]).toEqual(["pointOnFirst", null]);
    answers = [outlined([0, 2, 3], 4, 5), outlined([0, 2, 3], 4, 5)];
    click(ground, 5, 4);
    await settled(ground);
    const again = pointAt(ground, at(20, 15, { shift: true }));
    again?.move(at(25, 15), []);
    again?.end(at(20, 15));
    await settled(ground);
    const { box, strokes } = JSON.parse(asked.mock.calls[1]?.[1].body);
    expect([box, strokes.length, strokes[0].positive]).toEqual([null, 1, false]);
  });

  test("a stroke of a thousand bends is sent with as many places as the server takes", async () => {
    const ground = groundOf({});
    ground.session.ui.setState({ tool: "scribble" });
    answers = [outlined([0, 2, 3], 4, 5)];
    const gesture = pointAt(ground, at(3, 3));
    for (let i = 0; i < 1000; i++) gesture?.move(at(3 + (i % 20), 3 + (i % 2) * 8), []);
    gesture?.end(at(3, 3));
    await settled(ground);
    const [stroke] = JSON.parse(asked.mock.calls[0]?.[1].body).strokes;
    expect(stroke.points.length).toBeGreaterThan(1);
    expect(stroke.points.length).toBeLessThanOrEqual(256);
  });

  test("a blinded reader's click asks no model, and the draft says so", async () => {
    for (const room of [{ arm: "blinded" as const }, { first_look: true }]) {
      const ground = groundOf(room);
      click(ground, 4, 4);
      await settled(ground);
      const outline = shownOutline(draftOf(ground) as PointDraft);
      expect([outline?.version, outline?.why, outline?.grid?.shape]).toEqual([null, "blinded", [1, 8, 8]]);
      keepOutline(ground);
      expect(ground.session.store.getState().doc.lesions[0]?.prompted?.version).toBeNull();
    }
    expect(asked).not.toHaveBeenCalled();
  });

  test("without an answer in time, offline or signed out the tools without a model outline; the next click asks again", async () => {
    const ground = groundOf({});
    answers = [
      { status: 503, body: { code: "prompt_late" } },
      { status: 401, body: {} },
    ];
    for (const n of [1, 2, 3]) {
      click(ground, 4, 4 + n);
      await settled(ground);
      expect(draftOf(ground)?.steps.at(-1)?.outline?.why).toBe("late");
    }
    expect(asked).toHaveBeenCalledTimes(3);
  });

  test("where no model answers clicks the server is asked once", async () => {
    const ground = groundOf({});
    answers = [{ status: 409, body: { code: "no_prompts" } }];
    click(ground, 4, 4);
    await settled(ground);
    click(ground, 5, 5);
    await settled(ground);
    expect(draftOf(ground)?.steps.map((step) => step.outline?.why)).toEqual(["noModel", "noModel"]);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test("an answer that comes after its click was taken back is not shown", async () => {
    const ground = groundOf({});
    answers = [outlined([0, 2, 3], 4, 5)];
    click(ground, 5, 4);
    unpoint(ground);
    await arrived();
    await new Promise((done) => setTimeout(done));
    expect(draftOf(ground)).toBeNull();
  });

  test("nothing is pointed at on another slice, outside the image, or beside nothing; what is not found is not kept", async () => {
    const ground = groundOf({});
    const hint = () => ground.session.ui.getState().hint?.key;
    click(ground, -5, 4);
    expect(hint()).toBe("offImage");
    click(ground, 5, 4, { alt: true });
    expect([hint(), draftOf(ground)]).toEqual(["pointOnFirst", null]);
    answers = [{ status: 200, body: { version: 3, mask: null } }];
    click(ground, 5, 4);
    expect(keepOutline(ground) && hint()).toBe("outlineComing");
    await settled(ground);
    expect(keepOutline(ground) && hint()).toBe("nothingThere");
    const next = { ...ground, index: 1, frame: ground.session.frames[1] } as Ground;
    click(next, 5, 4);
    expect(hint()).toBe("outlineElsewhere");
    expect(ground.session.store.getState().doc.lesions).toEqual([]);
  });

  test("on the next slice the selected lesion goes on, on the same slice a new one begins", async () => {
    const ground = groundOf({});
    answers = [outlined([0, 2, 3], 4, 5), outlined([1, 2, 3], 4, 5), outlined([0, 9, 9], 2, 2)];
    click(ground, 5, 4);
    await settled(ground);
    keepOutline(ground);
    const next = { ...ground, index: 1, frame: ground.session.frames[1] } as Ground;
    click(next, 5, 4);
    await settled(next);
    keepOutline(next);
    const { lesions } = ground.session.store.getState().doc;
    expect(lesions.map(({ mask }) => mask?.shape)).toEqual([[2, 4, 5]]);
    click(ground, 10, 10);
    await settled(ground);
    keepOutline(ground);
    expect(ground.session.store.getState().doc.lesions).toHaveLength(2);
  });
});
