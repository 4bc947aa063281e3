/** What the pointer does with the tool in hand: one gesture from press to release. */

import type { Lesion } from "@/lib/api-types";
import { type Point, zoomOf } from "@/lib/imaging/coordinates";
import type { FrameRef } from "@/lib/imaging/frames";
import type { StackView } from "@/lib/imaging/stack-view";
import type { RoomSession } from "../state/room-session";

export interface Pointer {
  /** CSS pixels on the canvas. */
  canvas: Point;
  /** The same place on the image (SCOORD), also outside of it. */
  at: Point;
  shift: boolean;
  alt: boolean;
}

export interface Gesture {
  /** `passed`: where the pointer was since the last move, when the browser put several into one. */
  move: (pointer: Pointer, passed: Pointer[]) => void;
  end: (pointer: Pointer) => void;
  cancel: () => void;
}

export interface Ground {
  session: RoomSession;
  view: StackView;
  /** The frame that is drawn. */
  index: number;
  frame: FrameRef;
}

/** Screen pixels that a drag must span to be a mark: less is a click. */
export const SMALLEST_DRAG = 4;

export function groundOf(session: RoomSession): Ground | null {
  const view = session.view;
  const index = view?.store.getState().shown ?? null;
  if (!view || index === null) return null;
  const frame = session.frames[index];
  return frame ? { session, view, index, frame } : null;
}

export const zoomNow = ({ view }: Ground): number => {
  const { toCanvas } = view.store.getState();
  return toCanvas ? zoomOf(toCanvas) : 1;
};

/** Screen pixels by which a hand may miss the image's border. */
const SLIP = 8;

/** Whether the pointer is off the image by more than a slip: nothing is marked there. */
export function isOffImage(ground: Ground, { at: [x, y] }: Pointer): boolean {
  const { rows, columns } = ground.frame;
  const slip = SLIP / zoomNow(ground);
  return x < -slip || y < -slip || x > columns + slip || y > rows + slip;
}

/** A new lesion of the active type on the drawn frame. */
export function newLesion(
  { session, frame }: Ground,
  given: Pick<Lesion, "id" | "kind"> & Partial<Lesion>,
): Lesion | null {
  const type = session.activeType;
  if (!type) {
    session.say("noType");
    return null;
  }
  return {
    finding_type: type.id,
    sop_instance_uid: frame.sop,
    frame: frame.frame,
    points: [],
    mask: null,
    drawn_as: null,
    attributes: {},
    score: null,
    origin: "drawn",
    origin_lesion: null,
    origin_score: null,
    moved_pixels: null,
    ...given,
  };
}
