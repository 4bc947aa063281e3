/** Contours made click by click: polygon, spline, live wire; and the angle's three points. */
import type { Point } from "@/lib/imaging/coordinates";
import { Wire } from "../geometry/livewire";
import { clamped, rounded } from "../geometry/mark";
import { simplifyOutline } from "../geometry/outline";
import { splineOutline } from "../geometry/spline";
import { type ContourTool, type Draft, kindOfTool } from "../state/room-ui";
import { commit, finished } from "./draw-shape";
import { type Ground, type Pointer, zoomNow } from "./gesture";
import { addMeasurement } from "./measure-marks";
import { greyOf } from "./voxels";

type ClickDraft = Extract<Draft, { kind: "polygon" }>;

const CLOSING_REACH = 8;

/** A click on the first vertex closes. */
export function clickContour(ground: Ground, tool: ContourTool | "angle", pointer: Pointer): void {
  const { session, frame } = ground;
  const { draft } = session.ui.getState();
  const points = draft?.kind === "polygon" && draft.tool === tool ? draft.points : [];
  const [first] = points;
  const at = clamped(pointer.at, frame);
  if (tool === "angle" && points.length === 2) {
    session.ui.setState({ draft: null });
    addMeasurement(ground, "angle", [...points, at]);
    return;
  }
  if (first && points.length >= 3) {
    const distance = Math.hypot(at[0] - first[0], at[1] - first[1]) * zoomNow(ground);
    if (distance <= CLOSING_REACH) {
      closeContour(ground);
      return;
    }
  }
  const last = points.at(-1);
  // A double click leaves its second vertex on top of the first.
  if (last && Math.hypot(at[0] - last[0], at[1] - last[1]) * zoomNow(ground) < 2) return;
  show(ground, { kind: "polygon", tool, points: [...points, at], pointer: at, line: [] });
}

export function closeContour(ground: Ground): void {
  const { session } = ground;
  const { draft } = session.ui.getState();
  if (draft?.kind !== "polygon" || draft.tool === "angle") return;
  if (draft.points.length < 3) {
    session.say("polygonPoints");
    return;
  }
  session.ui.setState({ draft: null });
  const kind = kindOfTool(draft.tool, session.activeType?.allowed_marks);
  if (kind === "mask") return;
  commit(ground, kind, outlineIn(ground, draft));
}

/** The closed outline that the clicks stand for. */
function outlineIn(ground: Ground, { tool, points }: ClickDraft): Point[] {
  const { frame } = ground;
  if (tool === "spline") {
    const line = splineOutline(points).map((point) => clamped(point, frame));
    return finished(line, zoomNow(ground)).map(rounded);
  }
  if (tool !== "livewire") return points;
  const [first, last] = [points[0] as Point, points.at(-1) as Point];
  const way = [...wireLine(ground, points), ...wireTo(ground, last, first).slice(1, -1)];
  // Between the centres of pixels the wire goes in steps, which nobody drew.
  return simplifyOutline(way, 0.5).map(rounded);
}

export function hoverContour(ground: Ground, pointer: Pointer): void {
  const { draft } = ground.session.ui.getState();
  if (draft?.kind === "polygon") show(ground, { ...draft, pointer: clamped(pointer.at, ground.frame) });
}

/** Take the last vertex back; false when no contour is being drawn. */
export function unclickContour(ground: Ground): boolean {
  const { draft } = ground.session.ui.getState();
  if (draft?.kind !== "polygon") return false;
  const points = draft.points.slice(0, -1);
  if (points.length) show(ground, { ...draft, points });
  else ground.session.ui.setState({ draft: null });
  return true;
}

function show(ground: Ground, draft: ClickDraft): void {
  const { points, pointer, tool } = draft;
  const to = pointer ?? (points.at(-1) as Point);
  const ahead = points.at(-1) === to ? points : [...points, to];
  let line = ahead;
  if (tool === "spline" && ahead.length >= 3) line = splineOutline(ahead);
  if (tool === "livewire")
    line = [...wireLine(ground, points), ...wireTo(ground, points.at(-1) as Point, to).slice(1)];
  ground.session.ui.setState({ draft: { ...draft, line } });
}

/** Wires by anchor: what was searched once is asked again with every move of the pointer. */
const wires = new WeakMap<Point, Wire>();

function wireTo(ground: Ground, anchor: Point, to: Point): Point[] {
  let wire = wires.get(anchor);
  if (!wire) {
    const grey = greyOf(ground);
    if (!grey) return [anchor, to];
    wire = new Wire(grey, anchor);
    wires.set(anchor, wire);
  }
  return wire.to(to);
}

function wireLine(ground: Ground, points: readonly Point[]): Point[] {
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    return next ? wireTo(ground, point, next).slice(0, -1) : [point];
  });
}
