/** What hangs in which pane. The case being read is always on the screen, in one pane. */

export type GridLayout = "1x1" | "1x2" | "2x2";
export type Layout = GridLayout | "mpr";

export const GRID_LAYOUTS: readonly GridLayout[] = ["1x1", "1x2", "2x2"];
export const LAYOUTS: readonly Layout[] = [...GRID_LAYOUTS, "mpr"];

export type Cells = readonly (string | null)[];

const COUNT: Record<Layout, number> = { "1x1": 1, "1x2": 2, "2x2": 4, mpr: 1 };
export const columnsOf = (layout: Layout): number => (layout === "1x2" || layout === "2x2" ? 2 : 1);

/** The layout after this one, in a circle; from the planes back to one image. */
export function nextLayout(layout: Layout): GridLayout {
  const at = GRID_LAYOUTS.indexOf(layout as GridLayout);
  return GRID_LAYOUTS[(at + 1) % GRID_LAYOUTS.length] as GridLayout;
}

/** The cells of another layout: what hangs already stays in its order, empty places take what is suggested. */
export function rearranged(cells: Cells, layout: Layout, suggested: Cells, own: string): Cells {
  const count = COUNT[layout];
  if (count === 1) return [own];
  // Nothing was hung by hand: the usual arrangement.
  if (cells.filter(Boolean).length < 2) return complete(suggested, count, own);
  const kept = cells.filter((id) => id !== null);
  const some = kept.slice(0, count);
  if (!some.includes(own)) some[count - 1] = own;
  const more = suggested.filter((id) => id !== null && !some.includes(id));
  return complete([...some, ...more].slice(0, count), count, own);
}

function complete(cells: Cells, count: number, own: string): Cells {
  const some = [...cells, ...Array<null>(count).fill(null)].slice(0, count);
  if (some.includes(own)) return some;
  const free = some.indexOf(null);
  return some.map((id, index) => (index === Math.max(free, 0) ? own : id));
}

/** Hang `id` at a place: where it hung before, comes what was there; the case itself moves on, and is never lost. */
export function placed(cells: Cells, at: number, id: string, own: string): Cells {
  const before = cells.indexOf(id);
  const there = cells[at] ?? null;
  if (there === id) return cells;
  const next = [...cells];
  next[at] = id;
  if (before >= 0) next[before] = there;
  else if (there === own) {
    const free = next.indexOf(null);
    next[free >= 0 ? free : (at + 1) % next.length] = own;
  }
  return next;
}

/** The pane before or after the active one that holds something. */
export function neighbourOf(cells: Cells, active: string, by: 1 | -1): string {
  const held = cells.filter((id) => id !== null);
  const at = held.indexOf(active);
  return held[(at + by + held.length) % held.length] ?? active;
}
