/** Measurements by the pointer: drawn, pulled by their ends, moved as a whole. */
import type { Measurement, MeasurementKind } from "@/lib/api-types";
import { canvasFromScoord, type Point } from "@/lib/imaging/coordinates";
import { distanceToSegment } from "../geometry/brush";
import { hitHandle } from "../geometry/hit-test";
import { boundsOf, clamped, ellipseInBox, outlineOf, pulledHandle, rounded, settled } from "../geometry/mark";
import { diametersOf, withShortAxis } from "../geometry/measurement";
import { putMeasurement } from "../state/edits";
import { newId } from "../state/new-id";
import type { RoomSession } from "../state/room-session";
import { type Gesture, type Ground, type Pointer, SMALLEST_DRAG } from "./gesture";

/** Pairs of points between which a line is drawn. */
export const SEGMENTS: Record<Exclude<MeasurementKind, "roi">, [number, number][]> = {
  length: [[0, 1]],
  arrow: [[0, 1]],
  bidirectional: [
    [0, 1],
    [2, 3],
  ],
  angle: [
    [0, 1],
    [1, 2],
  ],
};

const REACH = 6;

/** Press, drag, release; an arrow begins at its tip. */
export function drawMeasurement(ground: Ground, kind: Exclude<MeasurementKind, "angle">, first: Pointer): Gesture {
  const { session, frame } = ground;
  const start = clamped(first.at, frame);
  const pointsTo = (pointer: Pointer): Point[] => {
    const to = clamped(pointer.at, frame);
    if (kind === "roi") return ellipseInBox(start, to);
    if (kind !== "bidirectional") return [start, to];
    return withShortAxis(start, to, frame.spacing).map((point) => clamped(point, frame));
  };
  return {
    move: (pointer) =>
      session.ui.setState({
        draft: { kind: "measurement", measurement: measurementAt(ground, kind, pointsTo(pointer)) },
      }),
    end: (pointer) => {
      session.ui.setState({ draft: null });
      const [dx, dy] = [pointer.canvas[0] - first.canvas[0], pointer.canvas[1] - first.canvas[1]];
      const wide = kind !== "roi" || Math.min(Math.abs(dx), Math.abs(dy)) >= 2;
      if (Math.hypot(dx, dy) >= SMALLEST_DRAG && wide) addMeasurement(ground, kind, pointsTo(pointer));
    },
    cancel: () => session.ui.setState({ draft: null }),
  };
}

function measurementAt({ frame }: Ground, kind: MeasurementKind, points: Point[], id = newId()): Measurement {
  return { id, kind, sop_instance_uid: frame.sop, frame: frame.frame, points: points.map(rounded), text: "" };
}

export function addMeasurement(ground: Ground, kind: MeasurementKind, points: Point[]): void {
  const measurement = measurementAt(ground, kind, points);
  ground.session.edit((doc) => putMeasurement(doc, measurement));
  ground.session.selectMeasurement(measurement.id);
}

/** The two diameters of the selected lesion on this slice, found by themselves. */
export function measureLesion(ground: Ground): void {
  const { session, frame, index } = ground;
  const lesion = session.selectedLesion;
  if (!lesion || !session.isOnFrame(lesion, index)) return;
  const outline = session.outlines(lesion, index).sort((one, other) => other.length - one.length)[0];
  const points = outline && diametersOf(outline, frame.spacing);
  if (points)
    addMeasurement(
      ground,
      "bidirectional",
      points.map((point) => clamped(point, frame)),
    );
}

export function onFrame(measurement: Measurement, { sop, frame }: { sop: string; frame: number }): boolean {
  return measurement.sop_instance_uid === sop && measurement.frame === frame;
}

/** What a press grabs of the measurements: an end, or a line; null when it grabs none. */
export function grabMeasurement(ground: Ground, pointer: Pointer, onlySelected: boolean): Gesture | null {
  const { session, view, frame } = ground;
  const { toCanvas } = view.store.getState();
  if (!toCanvas) return null;
  const { selectedMeasurement } = session.ui.getState();
  const here = session.store.getState().doc.measurements.filter((one) => onFrame(one, frame));
  const selected = here.find(({ id }) => id === selectedMeasurement);
  for (const measurement of selected ? [selected, ...here] : here) {
    if (onlySelected && measurement !== selected) break;
    const handles = measurement.points.map((at, id) => ({ id, at }));
    const handle = hitHandle(pointer.canvas, handles, toCanvas);
    if (handle) return pulling(ground, measurement, pointer, handle.id);
  }
  if (onlySelected) return null;
  const hit = here.find((one) => {
    const lines = linesOf(one).map((line) => line.map((point) => canvasFromScoord(point, toCanvas)));
    return lines.some((line) =>
      line.some((p, i) => i > 0 && distanceToSegment(pointer.canvas, line[i - 1] as Point, p) <= REACH),
    );
  });
  return hit ? pulling(ground, hit, pointer, null) : null;
}

/** What is drawn of it, as open lines in SCOORD. */
export function linesOf({ kind, points }: Pick<Measurement, "kind" | "points">): Point[][] {
  if (kind === "roi") {
    const outline = outlineOf("ellipse", points);
    return [[...outline, outline[0] as Point]];
  }
  return SEGMENTS[kind].map(([i, j]) => [points[i] as Point, points[j] as Point]);
}

/** By one end, or as a whole; stored once, when the pointer is released. */
function pulling(ground: Ground, measurement: Measurement, first: Pointer, handle: number | null): Gesture | null {
  const { session, frame } = ground;
  session.selectMeasurement(measurement.id);
  if (session.isReadonly) return null;
  let points: Point[] | null = null;
  const reshaped = (pointer: Pointer): Point[] => {
    const to = clamped(pointer.at, frame);
    if (handle === null) return moved(measurement.points, first, pointer, frame);
    if (measurement.kind === "roi") return pulledHandle("ellipse", measurement.points, handle, to);
    return measurement.points.map((point, i) => (i === handle ? rounded(to) : point));
  };
  return {
    move: (pointer) => {
      const dragged = Math.hypot(pointer.canvas[0] - first.canvas[0], pointer.canvas[1] - first.canvas[1]);
      if (!points && dragged < SMALLEST_DRAG) return;
      points = reshaped(pointer).map((point) => clamped(point, frame));
      session.ui.setState({ measurementPreview: { ...measurement, points } });
    },
    end: () => {
      session.ui.setState({ measurementPreview: null });
      if (!points) return;
      const final = measurement.kind === "roi" ? settled("ellipse", points) : points;
      session.edit((doc) => putMeasurement(doc, { ...measurement, points: final }));
    },
    cancel: () => session.ui.setState({ measurementPreview: null }),
  };
}

function moved(
  points: readonly Point[],
  from: Pointer,
  to: Pointer,
  { columns, rows }: { columns: number; rows: number },
): Point[] {
  const { left, top, right, bottom } = boundsOf(points);
  const dx = Math.min(columns - right, Math.max(-left, to.at[0] - from.at[0]));
  const dy = Math.min(rows - bottom, Math.max(-top, to.at[1] - from.at[1]));
  return points.map(([x, y]) => rounded([x + dx, y + dy]));
}

/** Scroll to a measurement. */
export function goToMeasurement(session: RoomSession, measurement: Measurement): void {
  const index = session.frames.findIndex((frame) => onFrame(measurement, frame));
  if (index < 0) return;
  session.view?.goTo(index);
  const { left, top, right, bottom } = boundsOf(measurement.points);
  session.view?.reveal([(left + right) / 2, (top + bottom) / 2]);
}
