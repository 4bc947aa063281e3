/**
 * An outline drawn roughly, pulled onto the image's edge: rays from the middle, on each the place of the strongest change,
 * neighbours held together by dynamic programming (the closed contour of Sun and Pallottino, Pattern Recognition 2003,
 * with one starting radius tried per candidate).
 */
import type { Point } from "@/lib/imaging/coordinates";
import type { Grey } from "./livewire";
import { centreOf } from "./mark";

const RAYS = 64;
const STEPS = 25;
/** How far inside and outside of the drawn outline is looked, as a share of its radius. */
const REACH = 0.35;
const BEND = 0.12;

/** null when the outline does not surround its middle (rays would miss it). */
export function snapped(outline: readonly Point[], image: Grey): Point[] | null {
  const middle = centreOf("polygon", outline);
  const radii = radiiOf(outline, middle);
  if (!radii) return null;
  const place = (ray: number, step: number): Point => {
    const angle = (2 * Math.PI * ray) / RAYS;
    const radius = (radii[ray] as number) * (1 - REACH + (2 * REACH * step) / (STEPS - 1));
    return [
      Math.min(image.columns, Math.max(0, middle[0] + Math.cos(angle) * radius)),
      Math.min(image.rows, Math.max(0, middle[1] + Math.sin(angle) * radius)),
    ];
  };
  const gain = edgeStrength(place, image);
  const way = bestWay(gain);
  return way.map((step, ray) => place(ray, step));
}

/** How far the outline lies from its middle on each ray. */
function radiiOf(outline: readonly Point[], middle: Point): number[] | null {
  const radii: number[] = [];
  for (let ray = 0; ray < RAYS; ray++) {
    const angle = (2 * Math.PI * ray) / RAYS;
    const [ux, uy] = [Math.cos(angle), Math.sin(angle)];
    let far = 0;
    outline.forEach((p, i) => {
      const q = outline[(i + 1) % outline.length] as Point;
      const [px, py, dx, dy] = [p[0] - middle[0], p[1] - middle[1], q[0] - p[0], q[1] - p[1]];
      const cross = ux * dy - uy * dx;
      if (cross === 0) return;
      const along = (px * dy - py * dx) / cross;
      const share = (px * uy - py * ux) / cross;
      if (along > 0 && share >= 0 && share <= 1) far = Math.max(far, along);
    });
    if (far === 0) return null;
    radii.push(far);
  }
  return radii;
}

/** Change of grey along each ray, as a share of the strongest; the sign that most rays agree on counts. */
function edgeStrength(place: (ray: number, step: number) => Point, image: Grey): number[][] {
  const grey = ([x, y]: Point) => {
    const [fx, fy] = [x - 0.5, y - 0.5];
    const [c, r] = [Math.floor(fx), Math.floor(fy)];
    const at = (row: number, column: number) =>
      image.value(Math.min(image.rows - 1, Math.max(0, row)), Math.min(image.columns - 1, Math.max(0, column)));
    const [kx, ky] = [fx - c, fy - r];
    return (
      at(r, c) * (1 - kx) * (1 - ky) +
      at(r, c + 1) * kx * (1 - ky) +
      at(r + 1, c) * (1 - kx) * ky +
      at(r + 1, c + 1) * kx * ky
    );
  };
  const slopes = Array.from({ length: RAYS }, (_, ray) => {
    const values = Array.from({ length: STEPS }, (_, step) => grey(place(ray, step)));
    return values.map((_, step) => {
      const [before, after] = [
        values[Math.max(0, step - 1)] as number,
        values[Math.min(STEPS - 1, step + 1)] as number,
      ];
      return after - before;
    });
  });
  const total = slopes.flat().reduce((sum, slope) => sum + slope, 0);
  const sign = total >= 0 ? 1 : -1;
  const most = Math.max(1e-9, ...slopes.flat().map((slope) => sign * slope));
  return slopes.map((line) => line.map((slope) => Math.max(0, (sign * slope) / most)));
}

/** The step of each ray so that the sum of strengths, less what bends, is greatest, and the line closes. */
function bestWay(gain: number[][]): number[] {
  let best: { total: number; way: number[] } = { total: -Infinity, way: [] };
  for (let start = 0; start < STEPS; start += 2) {
    let totals = Array.from({ length: STEPS }, (_, step) => (step === start ? (gain[0]?.[step] ?? 0) : -Infinity));
    const before: number[][] = [];
    for (let ray = 1; ray < RAYS; ray++) {
      const from: number[] = [];
      totals = totals.map((_, step) => {
        let [most, at] = [-Infinity, step];
        for (let other = Math.max(0, step - 2); other <= Math.min(STEPS - 1, step + 2); other++) {
          const sum = (totals[other] as number) - BEND * Math.abs(other - step);
          if (sum > most) [most, at] = [sum, other];
        }
        from[step] = at;
        return most + (gain[ray]?.[step] ?? 0);
      });
      before.push(from);
    }
    for (let end = Math.max(0, start - 2); end <= Math.min(STEPS - 1, start + 2); end++) {
      const total = (totals[end] as number) - BEND * Math.abs(end - start);
      if (total <= best.total) continue;
      const way = [end];
      for (let ray = RAYS - 2; ray >= 0; ray--) way.push(before[ray]?.[way.at(-1) as number] ?? start);
      best = { total, way: way.reverse() };
    }
  }
  return best.way;
}
