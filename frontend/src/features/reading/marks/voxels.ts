/** The image's values as a body: what the frames of the room hold, as far as they are loaded. */
import { type FramePixels, loadPixels, pixelsOf, sliceSpacing } from "@/lib/imaging/pixels";
import type { Grey } from "../geometry/livewire";
import type { Triple } from "../geometry/mask-grid";
import type { Voxels } from "../geometry/region-grow";
import type { RoomSession } from "../state/room-session";
import type { Ground } from "./gesture";

/** Frame to frame, row to row, column to column in mm; in pixels where the header does not tell. */
export function spacingAt(session: RoomSession, index: number): Triple {
  const [perRow, perColumn] = session.frames[index]?.spacing ?? [1, 1];
  return [sliceSpacing(session.frames, index) ?? perRow, perRow, perColumn];
}

export function voxelsOf({ session, index, frame }: Ground): Voxels {
  const read = new Map<number, FramePixels | null>();
  const pixels = (at: number) => {
    let known = read.get(at);
    if (known === undefined) {
      const ref = session.frames[at];
      known = ref ? pixelsOf(ref) : null;
      read.set(at, known);
    }
    return known;
  };
  return {
    frames: session.frames.length,
    rows: frame.rows,
    columns: frame.columns,
    spacing: spacingAt(session, index),
    value: (at, row, column) => pixels(at)?.value(row, column) ?? null,
  };
}

/** Fetch the frames from first to last; false when one cannot be had. */
export async function haveFrames(session: RoomSession, first: number, last: number): Promise<boolean> {
  try {
    await loadPixels(session.frames.slice(first, last + 1));
    return true;
  } catch {
    return false;
  }
}

/** The drawn frame's values; null while it is not loaded. */
export function greyOf({ frame }: Ground): Grey | null {
  return pixelsOf(frame);
}
