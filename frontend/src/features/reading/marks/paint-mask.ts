/** Brush and eraser: one stroke on one frame of a mask, stored when the pointer is released. */
import type { Lesion } from "@/lib/api-types";
import type { Point } from "@/lib/cornerstone/coordinates";
import { paintStroke } from "../geometry/brush";
import { hitMark } from "../geometry/hit-test";
import { boxOf, type MaskGrid, type Slice, sliceOf, withSlice } from "../geometry/mask-grid";
import { crackOutlines } from "../geometry/outline";
import { addLesion, changeLesion, removeLesion } from "../state/edits";
import { newId } from "../state/new-id";
import { type Gesture, type Ground, newLesion, type Pointer } from "./gesture";

/** null when there is nothing to erase from. */
export function paintMask(ground: Ground, erase: boolean, first: Pointer): Gesture | null {
  const { session, frame, index } = ground;
  const target = targetOf(ground, erase, first);
  if (erase && !target) {
    session.say("nothingToErase");
    return null;
  }
  const grid = target?.mask ? session.masks.gridOf(target.mask) : null;
  if (target?.mask && !grid) {
    session.say("maskLoading");
    return null;
  }
  const slice = sliceOf(grid, index, frame.rows, frame.columns);
  const { brushSize } = session.ui.getState();
  let last = first.at;
  const paint = (...places: Point[]) => {
    for (const to of places) {
      paintStroke(slice, last, to, brushSize, erase ? 0 : 1);
      last = to;
    }
    session.ui.setState({ draft: { kind: "mask", outlines: sliceOutlines(slice) }, painting: target?.id ?? null });
  };
  const clear = () => session.ui.setState({ draft: null, painting: null });
  paint(first.at);
  return {
    move: (pointer, passed) => paint(...passed.map(({ at }) => at), pointer.at),
    end: () => {
      clear();
      storeMaskOf(ground, target, withSlice(grid, index, slice));
    },
    cancel: clear,
  };
}

/** Write a painted mask into the reading: a new lesion, a changed one, or none when everything was erased. */
export function storeMaskOf(ground: Ground, target: Lesion | null, grid: MaskGrid | null): void {
  const { session } = ground;
  if (!grid) {
    if (target) session.edit((doc) => removeLesion(doc, target.id));
    return;
  }
  const { ref } = session.masks.add(grid);
  const place = session.frames[ref.origin[0]];
  if (!place) return;
  const where = { mask: ref, points: [], sop_instance_uid: place.sop, frame: place.frame };
  if (target) {
    session.edit((doc) => changeLesion(doc, { ...target, ...where }));
    session.select(target.id);
    return;
  }
  const lesion = newLesion(ground, { id: newId(), kind: "mask", ...where });
  if (!lesion) return;
  session.edit((doc) => addLesion(doc, lesion));
  session.select(lesion.id);
}

/** The selected mask; for the eraser else the one under the pointer. A brush without one begins a new lesion. */
function targetOf({ session, view, index }: Ground, erase: boolean, pointer: Pointer): Lesion | null {
  const selected = session.selectedLesion;
  if (selected?.mask) return selected;
  const { toCanvas } = view.store.getState();
  if (!erase || !toCanvas) return null;
  const masks = session.store.getState().doc.lesions.filter((lesion) => lesion.mask);
  const drawn = masks.map((lesion) => ({ id: lesion.id, outlines: session.outlines(lesion, index) }));
  const hit = hitMark(pointer.canvas, drawn, toCanvas);
  return masks.find((lesion) => lesion.id === hit?.id) ?? null;
}

/** Only the box around what is set is traced: a stroke must follow the pointer on a large image too. */
export function sliceOutlines(slice: Slice): Point[][] {
  const box = boxOf(slice.data, slice.rows, slice.columns);
  if (!box) return [];
  const width = box.right - box.left;
  const height = box.bottom - box.top;
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (row + box.top) * slice.columns + box.left;
    data.set(slice.data.subarray(from, from + width), row * width);
  }
  return crackOutlines(data, height, width).map((outline) =>
    outline.map(([x, y]): Point => [x + box.left, y + box.top]),
  );
}
