/** How the case is laid out and moved through; some of it goes on to the next case, the layout by modality. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Related, RoomPreferences } from "@/lib/api-types";
import type { Point3 } from "@/lib/imaging/coordinates";
import type { Cells, Layout } from "./arrangement";

export interface Display {
  layout: Layout;
  /** Whether a person chose the layout, for this case or for all of the modality. */
  chosen: boolean;
  /** Ids of the cases that hang in the panes, row by row. */
  cells: Cells;
  /** The case whose pane takes the keys. */
  active: string;
  /** What else of the patient may hang; null until it is known. */
  related: Related | null;
  relatedFailed: boolean;
  /** Panes follow each other's slice, zoom and window. */
  linked: boolean;
  magnifier: boolean;
  playing: boolean;
  /** Moving images: the controls of the cine stay at hand while it stands. */
  cine: boolean;
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

let magnifierRemembered = false;

interface Opened {
  caseId: string;
  modality: string;
  /** What the person chose before, as the account keeps it. */
  preferences: RoomPreferences;
}

export function createDisplay({ caseId, modality, preferences }: Opened): DisplayStore {
  const kept = preferences.layouts?.[modality];
  const store = createStore<Display>(() => ({
    layout: kept ?? "1x1",
    chosen: kept !== undefined,
    cells: [caseId],
    active: caseId,
    related: null,
    relatedFailed: false,
    linked: preferences.linked ?? true,
    magnifier: magnifierRemembered,
    playing: false,
    cine: false,
    speed: USUAL_SPEED,
    cross: null,
  }));
  store.subscribe(({ magnifier }) => {
    magnifierRemembered = magnifier;
  });
  return store;
}
