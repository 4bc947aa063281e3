/** A smooth closed line through a few places: centripetal Catmull–Rom, which makes no loops of its own. */
import type { Point } from "@/lib/imaging/coordinates";

const LEAST_STEPS = 4;

/** The outline (SCOORD), about one vertex a pixel; passes through every control point. */
export function splineOutline(controls: readonly Point[], closed = true): Point[] {
  const n = controls.length;
  if (n < 3) return [...controls];
  const at = (i: number): Point =>
    (closed ? controls[((i % n) + n) % n] : controls[Math.min(n - 1, Math.max(0, i))]) as Point;
  const line: Point[] = [];
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const [p0, p1, p2, p3] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    const steps = Math.max(LEAST_STEPS, Math.ceil(Math.hypot(p2[0] - p1[0], p2[1] - p1[1])));
    for (let step = 0; step < steps; step++) line.push(between(p0, p1, p2, p3, step / steps));
  }
  if (!closed) line.push(at(n - 1));
  return line;
}

/** Barry and Goldman's pyramid for the piece from p1 to p2. */
function between(p0: Point, p1: Point, p2: Point, p3: Point, share: number): Point {
  const knot = (from: number, p: Point, q: Point) =>
    from + Math.max(1e-6, Math.sqrt(Math.hypot(q[0] - p[0], q[1] - p[1])));
  const t0 = 0;
  const t1 = knot(t0, p0, p1);
  const t2 = knot(t1, p1, p2);
  const t3 = knot(t2, p2, p3);
  const t = t1 + (t2 - t1) * share;
  const mix = (p: Point, q: Point, from: number, to: number): Point => {
    const k = (t - from) / (to - from);
    return [p[0] + (q[0] - p[0]) * k, p[1] + (q[1] - p[1]) * k];
  };
  const [a1, a2, a3] = [mix(p0, p1, t0, t1), mix(p1, p2, t1, t2), mix(p2, p3, t2, t3)];
  return mix(mix(a1, a2, t0, t2), mix(a2, a3, t1, t3), t1, t2);
}
