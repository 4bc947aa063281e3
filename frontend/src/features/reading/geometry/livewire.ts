/** Intelligent scissors: the cheapest way along strong edges from an anchor (Mortensen and Barrett, 1998), in a window. */
import type { Point } from "@/lib/imaging/coordinates";

export interface Grey {
  rows: number;
  columns: number;
  value: (row: number, column: number) => number;
}

/** Half the side of the window around the anchor: what is searched does not grow with the image. */
export const WIRE_REACH = 96;

/** All cheapest ways from one anchor; asked again for each place of the pointer. */
export class Wire {
  readonly anchor: Point;
  private readonly top: number;
  private readonly left: number;
  private readonly rows: number;
  private readonly columns: number;
  private readonly from: Int32Array;

  constructor(image: Grey, anchor: Point) {
    this.anchor = anchor;
    const [row, column] = [clampTo(anchor[1], image.rows), clampTo(anchor[0], image.columns)];
    this.top = Math.max(0, row - WIRE_REACH);
    this.left = Math.max(0, column - WIRE_REACH);
    this.rows = Math.min(image.rows, row + WIRE_REACH + 1) - this.top;
    this.columns = Math.min(image.columns, column + WIRE_REACH + 1) - this.left;
    this.from = this.ways(this.costs(image), (row - this.top) * this.columns + column - this.left);
  }

  /** From the anchor to the place (both as given), through the centres of pixels between. */
  to(place: Point): Point[] {
    const row = Math.min(this.rows - 1, Math.max(0, Math.floor(place[1]) - this.top));
    const column = Math.min(this.columns - 1, Math.max(0, Math.floor(place[0]) - this.left));
    const line: Point[] = [place];
    for (let at = this.from[row * this.columns + column] as number; at >= 0; at = this.from[at] as number) {
      if ((this.from[at] as number) < 0) break;
      line.push([(at % this.columns) + this.left + 0.5, Math.floor(at / this.columns) + this.top + 0.5]);
    }
    line.push(this.anchor);
    return line.reverse();
  }

  /** Cheap on edges: 1 where nothing changes, near 0 at the strongest change in the window. */
  private costs(image: Grey): Float32Array {
    const steep = new Float32Array(this.rows * this.columns);
    let most = 0;
    const grey = (row: number, column: number) =>
      image.value(clampTo(row, image.rows), clampTo(column, image.columns));
    for (let row = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++) {
        const [r, c] = [row + this.top, column + this.left];
        const across = grey(r - 1, c + 1) + 2 * grey(r, c + 1) + grey(r + 1, c + 1);
        const back = grey(r - 1, c - 1) + 2 * grey(r, c - 1) + grey(r + 1, c - 1);
        const down = grey(r + 1, c - 1) + 2 * grey(r + 1, c) + grey(r + 1, c + 1);
        const up = grey(r - 1, c - 1) + 2 * grey(r - 1, c) + grey(r - 1, c + 1);
        const here = Math.hypot(across - back, down - up);
        steep[row * this.columns + column] = here;
        most = Math.max(most, here);
      }
    }
    if (most === 0) return steep.fill(1);
    return steep.map((here) => 0.02 + (1 - here / most) ** 2);
  }

  /** Dijkstra with buckets of equal cost; for each pixel the one before it, -1 at the anchor. */
  private ways(costs: Float32Array, start: number): Int32Array {
    const from = new Int32Array(costs.length).fill(-1);
    const best = new Float32Array(costs.length).fill(Infinity);
    const done = new Uint8Array(costs.length);
    const buckets: number[][] = [[start]];
    const width = 0.02;
    best[start] = 0;
    for (let bucket = 0; bucket < buckets.length; bucket++) {
      const waiting = buckets[bucket];
      if (!waiting) continue;
      for (let i = 0; i < waiting.length; i++) {
        const at = waiting[i] as number;
        if (done[at]) continue;
        done[at] = 1;
        const [row, column] = [Math.floor(at / this.columns), at % this.columns];
        for (let r = Math.max(0, row - 1); r <= Math.min(this.rows - 1, row + 1); r++) {
          for (let c = Math.max(0, column - 1); c <= Math.min(this.columns - 1, column + 1); c++) {
            const next = r * this.columns + c;
            if (done[next]) continue;
            const step = (costs[next] as number) * (r !== row && c !== column ? Math.SQRT2 : 1);
            const cost = (best[at] as number) + step;
            if (cost >= (best[next] as number)) continue;
            best[next] = cost;
            from[next] = at;
            const into = Math.max(bucket, Math.floor(cost / width));
            buckets[into] ??= [];
            (buckets[into] as number[]).push(next);
          }
        }
      }
      buckets[bucket] = [];
    }
    return from;
  }
}

function clampTo(value: number, size: number): number {
  return Math.min(size - 1, Math.max(0, Math.floor(value)));
}
