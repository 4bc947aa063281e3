/** Box, ellipse and freehand: press, drag, release. The polygon: click by click. */
import type { Point } from "@/lib/cornerstone/coordinates";
import { boxPoints, clamped, coversPixel, ellipseInBox, rounded } from "../geometry/mark";
import { simplifyOutline } from "../geometry/outline";
import { addLesion } from "../state/edits";
import { newId } from "../state/new-id";
import { type Gesture, type Ground, newLesion, type Pointer, SMALLEST_DRAG, zoomNow } from "./gesture";

type DragKind = "box" | "ellipse" | "freehand";

export function drawShape(ground: Ground, kind: DragKind, first: Pointer): Gesture {
  const { session, frame } = ground;
  const start = clamped(first.at, frame);
  let line: Point[] = [start];
  const show = (points: Point[]) => session.ui.setState({ draft: { kind, points } });
  const shape = (pointer: Pointer): Point[] => {
    const to = clamped(pointer.at, frame);
    if (kind === "freehand") return line;
    const corner = pointer.shift ? squared(start, to) : to;
    return kind === "box" ? boxPoints(start, corner) : ellipseInBox(start, corner);
  };
  return {
    move: (pointer, passed) => {
      if (kind === "freehand") {
        for (const { at } of [...passed, pointer]) line = extended(line, clamped(at, frame), zoomNow(ground));
      }
      show(shape(pointer));
    },
    end: (pointer) => {
      session.ui.setState({ draft: null });
      const points = kind === "freehand" ? finished(line, zoomNow(ground)) : shape(pointer);
      if (spans(first, pointer, kind, points, ground)) commit(ground, kind, points);
    },
    cancel: () => session.ui.setState({ draft: null }),
  };
}

/** Store a drawn shape; a shape that covers no pixel is none. */
export function commit(ground: Ground, kind: DragKind | "polygon", points: Point[]): boolean {
  const { session } = ground;
  if (!coversPixel(kind, points)) {
    session.say("tooSmall");
    return false;
  }
  const lesion = newLesion(ground, { id: newId(), kind, points: points.map(rounded) });
  if (!lesion) return false;
  session.edit((doc) => addLesion(doc, lesion));
  session.select(lesion.id);
  return true;
}

function spans(first: Pointer, last: Pointer, kind: DragKind, points: Point[], ground: Ground): boolean {
  if (kind === "freehand") {
    const zoom = zoomNow(ground);
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const extent = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
    return points.length >= 3 && extent * zoom >= SMALLEST_DRAG;
  }
  const dx = Math.abs(last.canvas[0] - first.canvas[0]);
  const dy = Math.abs(last.canvas[1] - first.canvas[1]);
  return Math.max(dx, dy) >= SMALLEST_DRAG;
}

function squared(from: Point, to: Point): Point {
  const side = Math.min(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]));
  return [from[0] + Math.sign(to[0] - from[0]) * side, from[1] + Math.sign(to[1] - from[1]) * side];
}

/** A new vertex at least a screen pixel after the last. */
function extended(line: Point[], to: Point, zoom: number): Point[] {
  const last = line.at(-1) as Point;
  return Math.hypot(to[0] - last[0], to[1] - last[1]) * zoom < 1 ? line : [...line, to];
}

/** Without the vertices that nobody can see: within a third of a screen pixel, a tenth of an image pixel at most. */
function finished(line: Point[], zoom: number): Point[] {
  return simplifyOutline(line, Math.min(0.1, 1 / (3 * zoom)));
}

const CLOSING_REACH = 8;

/** A click of the polygon tool; a click on the first vertex closes. */
export function clickPolygon(ground: Ground, pointer: Pointer): void {
  const { session, frame } = ground;
  const { draft } = session.ui.getState();
  const points = draft?.kind === "polygon" ? draft.points : [];
  const [first] = points;
  const at = clamped(pointer.at, frame);
  if (first && points.length >= 3) {
    const distance = Math.hypot(at[0] - first[0], at[1] - first[1]) * zoomNow(ground);
    if (distance <= CLOSING_REACH) {
      closePolygon(ground);
      return;
    }
  }
  session.ui.setState({ draft: { kind: "polygon", points: [...points, at], pointer: at } });
}

export function closePolygon(ground: Ground): void {
  const { session } = ground;
  const { draft } = session.ui.getState();
  if (draft?.kind !== "polygon") return;
  // A double click leaves its second vertex on top of the first.
  const zoom = zoomNow(ground);
  const points = draft.points.filter((point, i) => {
    const before = draft.points[i - 1];
    return !before || Math.hypot(point[0] - before[0], point[1] - before[1]) * zoom >= 2;
  });
  if (points.length < 3) {
    session.say("polygonPoints");
    return;
  }
  session.ui.setState({ draft: null });
  commit(ground, "polygon", points);
}

export function hoverPolygon(ground: Ground, pointer: Pointer): void {
  const { session, frame } = ground;
  const { draft } = session.ui.getState();
  if (draft?.kind === "polygon") session.ui.setState({ draft: { ...draft, pointer: clamped(pointer.at, frame) } });
}

/** Take the last vertex back; false when no polygon is being drawn. */
export function unclickPolygon(ground: Ground): boolean {
  const { draft } = ground.session.ui.getState();
  if (draft?.kind !== "polygon") return false;
  const points = draft.points.slice(0, -1);
  ground.session.ui.setState({ draft: points.length ? { ...draft, points } : null });
  return true;
}
