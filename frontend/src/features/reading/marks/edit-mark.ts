/** Selecting, moving and reshaping marks that are there, by pointer and by key. */
import type { Lesion } from "@/lib/api-types";
import { canvasFromScoord, type Point } from "@/lib/imaging/coordinates";
import { crossesItself } from "../geometry/crossing";
import { hitHandle, hitMark, nearestEdge } from "../geometry/hit-test";
import {
  boundsOf,
  clamped,
  coversPixel,
  handlesOf,
  pulledHandle,
  pulledLine,
  rounded,
  settled,
  shifted,
  staysInside,
} from "../geometry/mark";
import { crackOutlines, simplifyOutline, smoothOutline } from "../geometry/outline";
import { changeLesion, convertLesion } from "../state/edits";
import { type Gesture, type Ground, type Pointer, SMALLEST_DRAG, zoomNow } from "./gesture";
import { storeMaskOf } from "./paint-mask";

/** What a press on the image grabs: a handle of the selected mark, another mark, or nothing. */
export function grab(ground: Ground, pointer: Pointer, onlyHandles: boolean): Gesture | null {
  const { session, view, index } = ground;
  const { toCanvas } = view.store.getState();
  if (!toCanvas) return null;
  const selected = session.selectedLesion;
  const { hidden, locked } = session.ui.getState();
  const mayPull = selected && !selected.mask && !session.isReadonly && !locked.has(selected.id);
  if (mayPull && session.isOnFrame(selected, index)) {
    const handle = hitHandle(pointer.canvas, handlesOf(selected.kind, selected.points), toCanvas);
    if (handle) return pullHandle(ground, selected, handle.id);
  }
  if (onlyHandles) return null;
  const mine = session.store
    .getState()
    .doc.lesions.filter((lesion) => session.isOnFrame(lesion, index) && !hidden.has(lesion.id));
  const doc = session.store.getState().doc;
  const open = session.shownFindings().filter((one) => session.isOnFrame(one, index) && !doc.decisions[one.id]);
  const drawn = [...mine, ...open].map((lesion) => ({ id: lesion.id, outlines: session.outlines(lesion, index) }));
  const hit = hitMark(pointer.canvas, drawn, toCanvas);
  const finding = open.find((one) => one.id === hit?.id);
  if (finding) {
    session.focus(finding);
    return null;
  }
  const lesion = mine.find((one) => one.id === hit?.id);
  if (lesion && pointer.shift) {
    session.selectAlso(lesion.id);
    return null;
  }
  session.select(lesion?.id ?? null);
  if (!lesion) {
    session.focus(null);
    return null;
  }
  if (session.isReadonly || lesion.mask || locked.has(lesion.id)) return null;
  if (hit?.part === "edge" && selected?.id === lesion.id) {
    if (lesion.kind === "freehand") return pullOutline(ground, lesion, pointer);
    if (lesion.kind === "polygon") return addVertex(ground, lesion, pointer);
  }
  return shiftMark(ground, lesion, pointer);
}

/** A pull is shown as a preview and stored once, when the pointer is released. */
function pulling(ground: Ground, lesion: Lesion, reshape: (pointer: Pointer) => Point[] | null): Gesture {
  const { session, frame } = ground;
  let points: Point[] | null = null;
  return {
    move: (pointer) => {
      const next = reshape(pointer);
      if (!next || !staysInside(lesion.kind, next, frame)) return;
      points = next;
      session.ui.setState({ preview: { ...lesion, points: next } });
    },
    end: () => {
      session.ui.setState({ preview: null });
      if (points) storePoints(ground, lesion, points);
    },
    cancel: () => session.ui.setState({ preview: null }),
  };
}

function storePoints({ session }: Ground, lesion: Lesion, points: Point[]): void {
  const final = settled(lesion.kind, points);
  if (!coversPixel(lesion.kind, final)) {
    session.say("tooSmall");
    return;
  }
  session.edit((doc) => changeLesion(doc, { ...lesion, points: final }));
  if ((lesion.kind === "polygon" || lesion.kind === "freehand") && crossesItself(final)) session.say("crosses");
}

function pullHandle(ground: Ground, lesion: Lesion, id: number): Gesture {
  return pulling(ground, lesion, (pointer) =>
    pulledHandle(lesion.kind, lesion.points, id, clamped(pointer.at, ground.frame)),
  );
}

function shiftMark(ground: Ground, lesion: Lesion, first: Pointer): Gesture {
  return pulling(ground, lesion, (pointer) => {
    const moved = Math.hypot(pointer.canvas[0] - first.canvas[0], pointer.canvas[1] - first.canvas[1]);
    if (moved < SMALLEST_DRAG) return null;
    const by: Point = [pointer.at[0] - first.at[0], pointer.at[1] - first.at[1]];
    return shifted(lesion.kind, lesion.points, by, ground.frame);
  });
}

function pullOutline(ground: Ground, lesion: Lesion, first: Pointer): Gesture {
  const reach = Math.max(2, 28 / zoomNow(ground));
  return pulling(ground, lesion, (pointer) => {
    const by: Point = [pointer.at[0] - first.at[0], pointer.at[1] - first.at[1]];
    return pulledLine(lesion.points, first.at, by, reach, ground.frame);
  });
}

/** Pulling an edge of a polygon puts a new vertex there. */
function addVertex(ground: Ground, lesion: Lesion, first: Pointer): Gesture {
  const { toCanvas } = ground.view.store.getState();
  const line = toCanvas ? lesion.points.map((point) => canvasFromScoord(point, toCanvas)) : [];
  const edge = nearestEdge(first.canvas, line);
  return pulling(ground, lesion, (pointer) => {
    const moved = Math.hypot(pointer.canvas[0] - first.canvas[0], pointer.canvas[1] - first.canvas[1]);
    if (moved < SMALLEST_DRAG) return null;
    return lesion.points.toSpliced(edge + 1, 0, rounded(clamped(pointer.at, ground.frame)));
  });
}

/** Take away the vertex under the pointer of the selected polygon; false when there is none. */
export function removeVertex(ground: Ground, at: Point | null): boolean {
  const { session, view, index } = ground;
  const { toCanvas } = view.store.getState();
  const lesion = session.selectedLesion;
  if (!at || !toCanvas || lesion?.kind !== "polygon" || !session.isOnFrame(lesion, index)) return false;
  if (lesion.points.length <= 3) return false;
  const handle = hitHandle(canvasFromScoord(at, toCanvas), handlesOf("polygon", lesion.points), toCanvas);
  if (!handle) return false;
  storePoints(ground, lesion, lesion.points.toSpliced(handle.id, 1));
  return true;
}

/** The selected mark, when it is not locked. */
function unlocked({ session }: Ground): Lesion | null {
  const lesion = session.selectedLesion;
  if (!lesion || !session.ui.getState().locked.has(lesion.id)) return lesion;
  session.say("locked");
  return null;
}

/** Move the selected mark by whole pixels. */
export function nudge(ground: Ground, by: Point): void {
  const { session, frame } = ground;
  const lesion = unlocked(ground);
  if (!lesion) return;
  const grid = session.masks.gridOf(lesion.mask);
  if (lesion.mask && grid) {
    const [first, top, left] = grid.origin;
    const row = Math.min(frame.rows - grid.shape[1], Math.max(0, top + by[1]));
    const column = Math.min(frame.columns - grid.shape[2], Math.max(0, left + by[0]));
    storeMaskOf(ground, lesion, { ...grid, origin: [first, row, column] });
    return;
  }
  storePoints(ground, lesion, shifted(lesion.kind, lesion.points, by, frame));
}

/** Make the selected mark larger or smaller about its middle. */
export function resize(ground: Ground, by: Point): void {
  const { frame } = ground;
  const lesion = unlocked(ground);
  if (!lesion || lesion.mask || lesion.kind === "point") return;
  const { left, top, right, bottom } = boundsOf(lesion.points);
  const grow = (low: number, high: number, step: number) => {
    const size = high - low;
    return size > 0 ? Math.max(1, size + 2 * step) / size : 1;
  };
  const [fx, fy] = [grow(left, right, by[0]), grow(top, bottom, by[1])];
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  const points = lesion.points.map(([x, y]) => rounded(clamped([cx + (x - cx) * fx, cy + (y - cy) * fy], frame)));
  if (staysInside(lesion.kind, points, frame)) storePoints(ground, lesion, points);
}

/** The selected mask's largest outline on this frame as a polygon with vertices to pull. */
export function maskToPolygon(ground: Ground): void {
  const { session, index } = ground;
  const lesion = unlocked(ground);
  if (!lesion?.mask) return;
  const type = session.typeOf(lesion.finding_type);
  if (type && !type.allowed_marks.includes("polygon")) {
    session.say("notAllowed", { type: type.name, mark: "polygon" });
    return;
  }
  const grid = session.masks.gridOf(lesion.mask);
  if (grid?.shape[0] !== 1) {
    session.say("oneSliceOnly");
    return;
  }
  const [, rows, columns] = grid.shape;
  const [, top, left] = grid.origin;
  const largest = crackOutlines(grid.data, rows, columns).sort((p, q) => q.length - p.length)[0];
  if (!largest) return;
  const outline = simplifyOutline(smoothOutline(largest), 0.6).map(([x, y]) => rounded([x + left, y + top]));
  const place = session.frames[grid.origin[0]] ?? session.frames[index];
  if (outline.length < 3 || !place || !coversPixel("polygon", outline)) {
    session.say("tooSmall");
    return;
  }
  const where = { sop_instance_uid: place.sop, frame: place.frame, mask: null, points: outline };
  session.edit((doc) => convertLesion(doc, lesion, { kind: "polygon", ...where }));
  session.ui.setState({ tool: "select" });
}
