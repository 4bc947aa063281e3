/**
 * Which slices of a series the reader has had on screen, as ranges [first, last] in reading order, from 0.
 *
 * It is no edit: nothing takes it back, and looking on saves nothing. The next save takes it along, and where there is
 * none, handing in and leaving a reading that is begun.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Reading } from "@/lib/api-types";

export type SliceRange = number[];

export interface SlicesState {
  /** Null where nobody asks: single images, what is only looked at, and readings begun before slices were recorded. */
  seen: SliceRange[] | null;
}

export class SlicesRead {
  readonly store: StoreApi<SlicesState>;
  /** What the server knows; null before the first save. */
  private told: SliceRange[] | null;

  constructor(seen: SliceRange[] | null, told: SliceRange[] | null) {
    this.store = createStore(() => ({ seen }));
    this.told = told;
  }

  /** Of a reading as it is opened. */
  static of({ slices_read, revision }: Said, isRecorded: boolean): SlicesRead {
    const isKnown = slices_read !== null || revision === 0;
    return new SlicesRead(isRecorded && isKnown ? (slices_read ?? []) : null, slices_read);
  }

  get seen(): SliceRange[] | null {
    return this.store.getState().seen;
  }

  /** Whether something was seen that the server does not know. */
  get isUntold(): boolean {
    const { seen, told } = this;
    return seen !== null && (told === null || !holds(told, seen));
  }

  /** Whether the reading has been saved: one that was merely looked at is not begun. */
  get isBegun(): boolean {
    return this.told !== null;
  }

  /** These were on screen, too. */
  add(ranges: SliceRange[]): void {
    const { seen } = this;
    if (seen && !holds(seen, ranges)) this.store.setState({ seen: joined([...seen, ...ranges]) });
  }

  /** The reading as the server has it now: what was seen in another tab was seen. */
  take({ slices_read, revision }: Said): void {
    if (slices_read) {
      this.told = slices_read;
      this.add(slices_read);
    } else if (revision > 0) this.end();
  }

  /** What is on screen from now on belongs to no reading. */
  end(): void {
    this.store.setState({ seen: null });
  }
}

type Said = Pick<Reading, "slices_read" | "revision">;

/** The same slices as few ranges as there can be, in order. */
export function joined(ranges: SliceRange[]): SliceRange[] {
  const found: [number, number][] = [];
  for (const [first, last] of [...(ranges as [number, number][])].sort((p, q) => p[0] - q[0])) {
    const before = found.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else found.push([first, last]);
  }
  return found;
}

/** Whether every slice of `others` is among the joined `ranges`. */
export function holds(ranges: SliceRange[], others: SliceRange[]): boolean {
  return (others as [number, number][]).every(([first, last]) =>
    (ranges as [number, number][]).some((range) => range[0] <= first && last <= range[1]),
  );
}
