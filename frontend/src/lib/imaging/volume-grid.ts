/**
 * The regular grid of a series: from index (column i, row j, frame k; the centre of a pixel is a whole number) to
 * patient millimetres (LPS), and its three planes as they are looked at.
 */
import type { Point3 } from "./coordinates";
import type { FramePlacement } from "./frames";

export interface VolumeGrid {
  columns: number;
  rows: number;
  depth: number;
  origin: Point3;
  /** Millimetres of one step along i, j and k. */
  steps: [Point3, Point3, Point3];
}

interface PlacedFrame {
  placement: FramePlacement;
  rows: number;
  columns: number;
  spacing: [number, number] | null;
}

const ANGLE_TOLERANCE = 1e-3;
/** How far a frame may lie from its place: as on the server, a twentieth of a millimetre or of the step. */
const SHIFT_TOLERANCE = 0.05;

/** null where the frames do not make a volume: too few, not placed, of several sizes, turned, or with gaps. */
export function gridOf(frames: readonly PlacedFrame[]): VolumeGrid | null {
  const [first] = frames;
  const last = frames.at(-1);
  if (!first || !last || frames.length < 3 || !first.spacing) return null;
  const { alongRow, downColumn, position } = first.placement;
  if (!alongRow || !downColumn || !position || !last.placement.position) return null;
  const count = frames.length - 1;
  const step = scaled(minus(last.placement.position, position), 1 / count);
  const length = norm(step);
  if (length < 1e-3) return null;
  // A sheared stack (a tilted gantry) is no grid that can be cut across.
  const normal = cross(alongRow, downColumn);
  if (Math.abs(Math.abs(dot(step, normal)) / length - 1) > 0.01) return null;
  const tolerance = Math.max(SHIFT_TOLERANCE, SHIFT_TOLERANCE * length);
  for (const [k, frame] of frames.entries()) {
    const { placement } = frame;
    if (frame.rows !== first.rows || frame.columns !== first.columns || !frame.spacing) return null;
    if (Math.abs(frame.spacing[0] - first.spacing[0]) > 1e-4) return null;
    if (Math.abs(frame.spacing[1] - first.spacing[1]) > 1e-4) return null;
    if (!placement.position || !placement.alongRow || !placement.downColumn) return null;
    if (norm(minus(placement.alongRow, alongRow)) > ANGLE_TOLERANCE) return null;
    if (norm(minus(placement.downColumn, downColumn)) > ANGLE_TOLERANCE) return null;
    if (norm(minus(placement.position, plus(position, scaled(step, k)))) > tolerance) return null;
  }
  return {
    columns: first.columns,
    rows: first.rows,
    depth: frames.length,
    origin: position,
    steps: [scaled(alongRow, first.spacing[1]), scaled(downColumn, first.spacing[0]), step],
  };
}

export function patientAt({ origin, steps }: VolumeGrid, index: Point3): Point3 {
  return [0, 1, 2].map(
    (axis) =>
      (origin[axis] as number) +
      steps.reduce((sum, step, way) => sum + (step[axis] as number) * (index[way] as number), 0),
  ) as Point3;
}

/** The steps are at right angles, so that each index is a projection. */
export function indexAt({ origin, steps }: VolumeGrid, patient: Point3): Point3 {
  const shift = minus(patient, origin);
  return steps.map((step) => dot(shift, step) / dot(step, step)) as Point3;
}

export type PlaneName = "axial" | "coronal" | "sagittal";
export type Way = 0 | 1 | 2;

/** A plane of the grid: the index that is held, those that run to the right and down, and whether they run backwards. */
export interface GridPlane {
  name: PlaneName;
  held: Way;
  across: Way;
  down: Way;
  acrossFlipped: boolean;
  downFlipped: boolean;
}

/** Patient axes (x to the left, y to the back, z to the head) across and down a view as radiologists hang it. */
const HUNG: Record<PlaneName, { held: Way; across: Way; down: Way; downSign: 1 | -1 }> = {
  axial: { held: 2, across: 0, down: 1, downSign: 1 },
  coronal: { held: 1, across: 0, down: 2, downSign: -1 },
  sagittal: { held: 0, across: 1, down: 2, downSign: -1 },
};

export function planesOf(grid: VolumeGrid): GridPlane[] {
  const wayOf = patientWays(grid);
  return (Object.keys(HUNG) as PlaneName[]).map((name) => {
    const { held, across, down, downSign } = HUNG[name];
    const [acrossWay, downWay] = [wayOf[across] as Way, wayOf[down] as Way];
    return {
      name,
      held: wayOf[held] as Way,
      across: acrossWay,
      down: downWay,
      acrossFlipped: (grid.steps[acrossWay][across] as number) < 0,
      downFlipped: (grid.steps[downWay][down] as number) * downSign < 0,
    };
  });
}

/** Which index runs along each patient axis, most of all: the best of the six ways to pair them. */
function patientWays({ steps }: VolumeGrid): [Way, Way, Way] {
  const share = (way: Way, axis: number) => Math.abs(steps[way][axis] as number) / norm(steps[way]);
  const pairings: [Way, Way, Way][] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const worth = ([x, y, z]: [Way, Way, Way]) => share(x, 0) + share(y, 1) + share(z, 2);
  return pairings.reduce((best, one) => (worth(one) > worth(best) ? one : best));
}

export function sizeAlong(grid: VolumeGrid, way: Way): number {
  return [grid.columns, grid.rows, grid.depth][way] as number;
}

export function stepAlong(grid: VolumeGrid, way: Way): number {
  return norm(grid.steps[way]);
}

const plus = (u: Point3, v: Point3): Point3 => [u[0] + v[0], u[1] + v[1], u[2] + v[2]];
const minus = (u: Point3, v: Point3): Point3 => [u[0] - v[0], u[1] - v[1], u[2] - v[2]];
const scaled = (u: Point3, by: number): Point3 => [u[0] * by, u[1] * by, u[2] * by];
const dot = (u: Point3, v: Point3): number => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
const norm = (u: Point3): number => Math.hypot(...u);
const cross = (u: Point3, v: Point3): Point3 => [
  u[1] * v[2] - u[2] * v[1],
  u[2] * v[0] - u[0] * v[2],
  u[0] * v[1] - u[1] * v[0],
];
