/**
 * Outlines of a mask. They follow the cracks between pixels, so their points are whole numbers in SCOORD: outer borders
 * run clockwise on the screen, holes the other way. Pixels that touch at a corner only are two borders.
 */
import type { Point } from "@/lib/imaging/coordinates";

/** The closed crack outlines of rows × columns, unit steps kept (a vertex at every pixel corner passed). */
export function crackOutlines(data: Uint8Array, rows: number, columns: number): Point[][] {
  const width = columns + 1;
  const steps = new Map<number, number[]>();
  const set = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < rows && column < columns && data[row * columns + column] ? 1 : 0;
  const push = (x0: number, y0: number, x1: number, y1: number) => {
    const from = y0 * width + x0;
    const to = y1 * width + x1;
    const known = steps.get(from);
    if (known) known.push(to);
    else steps.set(from, [to]);
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!data[row * columns + column]) continue;
      if (!set(row - 1, column)) push(column, row, column + 1, row);
      if (!set(row, column + 1)) push(column + 1, row, column + 1, row + 1);
      if (!set(row + 1, column)) push(column + 1, row + 1, column, row + 1);
      if (!set(row, column - 1)) push(column, row + 1, column, row);
    }
  }
  const outlines: Point[][] = [];
  for (const start of [...steps.keys()]) {
    while (steps.has(start)) outlines.push(follow(steps, start, width));
  }
  return outlines;
}

/** One closed walk; where two borders meet at a corner it turns right, which keeps them apart. */
function follow(steps: Map<number, number[]>, start: number, width: number): Point[] {
  const walk: Point[] = [];
  let here = start;
  let heading: Point = [0, 0];
  do {
    const x = here % width;
    const y = (here - x) / width;
    walk.push([x, y]);
    const choices = steps.get(here) as number[];
    const right = (y + heading[0]) * width + x - heading[1];
    const at = Math.max(0, choices.indexOf(right));
    const there = choices[at] as number;
    choices.splice(at, 1);
    if (choices.length === 0) steps.delete(here);
    const nextX = there % width;
    heading = [nextX - x, (there - nextX) / width - y];
    here = there;
  } while (here !== start);
  return walk;
}

/** The marching-squares line of a crack outline: through the middle of each pixel edge, so that it looks smooth. */
export function smoothOutline(outline: Point[]): Point[] {
  return outline.map((point, i) => {
    const next = outline[(i + 1) % outline.length] as Point;
    return [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2];
  });
}

/** Without the vertices on straight stretches. */
export function cornersOnly(outline: Point[]): Point[] {
  return outline.filter((point, i) => {
    const before = outline[(i + outline.length - 1) % outline.length] as Point;
    const after = outline[(i + 1) % outline.length] as Point;
    return (point[0] - before[0]) * (after[1] - point[1]) !== (point[1] - before[1]) * (after[0] - point[0]);
  });
}

/** Douglas–Peucker on a closed outline: no left-out vertex lies further than `tolerance` from the new line. */
export function simplifyOutline(outline: Point[], tolerance: number): Point[] {
  if (outline.length <= 3) return outline;
  let far = 0;
  let most = -1;
  const first = outline[0] as Point;
  outline.forEach((point, i) => {
    const distance = Math.hypot(point[0] - first[0], point[1] - first[1]);
    if (distance > most) {
      most = distance;
      far = i;
    }
  });
  const one = simplifyLine(outline.slice(0, far + 1), tolerance);
  const two = simplifyLine([...outline.slice(far), first], tolerance);
  const simple = [...one.slice(0, -1), ...two.slice(0, -1)];
  return simple.length >= 3 ? simple : outline;
}

/** An open line without the vertices closer than `tolerance` to the straight one between its neighbours. */
export function simplifyLine(line: Point[], tolerance: number): Point[] {
  if (line.length <= 2) return line;
  const from = line[0] as Point;
  const to = line[line.length - 1] as Point;
  const span = Math.hypot(to[0] - from[0], to[1] - from[1]);
  let worst = 0;
  let at = 0;
  for (let i = 1; i < line.length - 1; i++) {
    const [x, y] = line[i] as Point;
    const distance =
      span === 0
        ? Math.hypot(x - from[0], y - from[1])
        : Math.abs((to[0] - from[0]) * (from[1] - y) - (from[0] - x) * (to[1] - from[1])) / span;
    if (distance > worst) {
      worst = distance;
      at = i;
    }
  }
  if (worst <= tolerance) return [from, to];
  return [
    ...simplifyLine(line.slice(0, at + 1), tolerance).slice(0, -1),
    ...simplifyLine(line.slice(at), tolerance),
  ];
}

/** Enclosed area in pixels (shoelace): positive for an outer border, negative for a hole. */
export function signedArea(outline: Point[]): number {
  let twice = 0;
  outline.forEach(([x, y], i) => {
    const next = outline[(i + 1) % outline.length] as Point;
    twice += x * next[1] - next[0] * y;
  });
  return twice / 2;
}
