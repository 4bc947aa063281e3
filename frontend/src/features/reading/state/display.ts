/** How the case is laid out and moved through; nothing of it is saved, some of it goes on to the next case. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Point3 } from "@/lib/cornerstone/coordinates";

export type Layout = "single" | "mpr";

export interface Display {
  layout: Layout;
  magnifier: boolean;
  playing: boolean;
  /** Frames a second while the cine runs. */
  speed: number;
  /** Where the planes meet: index of column, row and frame. */
  cross: Point3 | null;
}

export type DisplayStore = StoreApi<Display>;

export const SPEEDS = [1, 2, 5, 8, 10, 15, 20, 24, 30, 40, 60] as const;
const USUAL_SPEED = 15;

/** The speed itself, or where it is none of the usual ones, its neighbour; the ends stay. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const further =
    direction > 0 ? SPEEDS.find((one) => one > speed) : [...SPEEDS].reverse().find((one) => one < speed);
  return further ?? speed;
}

const remembered: Partial<Pick<Display, "layout" | "magnifier">> = {};

export function createDisplay(): DisplayStore {
  const store = createStore<Display>(() => ({
    layout: remembered.layout ?? "single",
    magnifier: remembered.magnifier ?? false,
    playing: false,
    speed: USUAL_SPEED,
    cross: null,
  }));
  store.subscribe(({ layout, magnifier }) => {
    Object.assign(remembered, { layout, magnifier });
  });
  return store;
}
