/** Box, ellipse, circle and freehand: press, drag, release. A point: press. */

import type { DrawnAs, MarkKind } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { crossesItself, withoutTails } from "../geometry/crossing";
import {
  boxPoints,
  circlePoints,
  clamped,
  coversPixel,
  ellipseInBox,
  rounded,
  staysInside,
} from "../geometry/mark";
import { simplifyOutline } from "../geometry/outline";
import { addLesion } from "../state/edits";
import { newId } from "../state/new-id";
import { type Gesture, type Ground, newLesion, type Pointer, SMALLEST_DRAG, zoomNow } from "./gesture";

type DragTool = "box" | "ellipse" | "circle" | "freehand";

/** With Alt a box is drawn and the ellipse that fills it is kept; the box stays what it was drawn as. */
export function drawShape(ground: Ground, tool: DragTool, first: Pointer): Gesture {
  const { session, frame } = ground;
  const start = clamped(first.at, frame);
  let line: Point[] = [start];
  let kind: "box" | "ellipse" | "freehand" = tool === "circle" ? "ellipse" : tool;
  const inscribes = ({ alt }: Pointer) => tool === "box" && alt && ellipseAllowed(ground);
  const show = (points: Point[]) => session.ui.setState({ draft: { kind, points } });
  const shape = (pointer: Pointer): Point[] => {
    const to = clamped(pointer.at, frame);
    if (tool === "freehand") return line;
    if (tool === "circle") return circlePoints(start, to, frame.spacing ?? [1, 1], frame);
    const corner = pointer.shift ? squared(start, to) : to;
    return kind === "box" ? boxPoints(start, corner) : ellipseInBox(start, corner);
  };
  return {
    move: (pointer, passed) => {
      if (tool === "box") kind = inscribes(pointer) ? "ellipse" : "box";
      if (tool === "freehand") {
        for (const { at } of [...passed, pointer]) line = extended(line, clamped(at, frame), zoomNow(ground));
      }
      show(shape(pointer));
    },
    end: (pointer) => {
      session.ui.setState({ draft: null });
      if (tool === "box") kind = inscribes(pointer) ? "ellipse" : "box";
      const points = tool === "freehand" ? finished(withoutTails(line), zoomNow(ground)) : shape(pointer);
      if (!spans(first, pointer, kind, points, ground)) return;
      if (kind !== "ellipse" || tool !== "box") {
        commit(ground, kind, points);
        return;
      }
      const corner = clamped(pointer.at, frame);
      const box = boxPoints(start, pointer.shift ? squared(start, corner) : corner);
      commit(ground, kind, points, {
        ...{ kind: "box", points: box, mask: null },
        ...{ sop_instance_uid: frame.sop, frame: frame.frame },
      });
    },
    cancel: () => session.ui.setState({ draft: null }),
  };
}

function ellipseAllowed({ session }: Ground): boolean {
  return session.activeType?.allowed_marks.includes("ellipse") ?? false;
}

/** Store a drawn shape; a shape that covers no pixel, or reaches out of the image, is none. */
export function commit(
  ground: Ground,
  kind: Exclude<MarkKind, "mask">,
  points: Point[],
  drawn_as: DrawnAs | null = null,
): boolean {
  const { session } = ground;
  if (!coversPixel(kind, points)) {
    session.say("tooSmall");
    return false;
  }
  if (!staysInside(kind, points, ground.frame)) {
    session.say("outside");
    return false;
  }
  const lesion = newLesion(ground, { id: newId(), kind, points: points.map(rounded), drawn_as });
  if (!lesion) return false;
  session.edit((doc) => addLesion(doc, lesion));
  session.select(lesion.id);
  if ((kind === "polygon" || kind === "freehand") && crossesItself(points)) session.say("crosses");
  return true;
}

function spans(first: Pointer, last: Pointer, kind: MarkKind, points: Point[], ground: Ground): boolean {
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
export function finished(line: Point[], zoom: number): Point[] {
  return simplifyOutline(line, Math.min(0.1, 1 / (3 * zoom)));
}
