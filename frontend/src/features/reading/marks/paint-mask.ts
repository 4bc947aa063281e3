/** Brush and eraser: one stroke on a mask, on one frame or (the sphere) on several, stored when the pointer is released. */
import type { Lesion } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { cutDiameter, paintStroke } from "../geometry/brush";
import { hitMark } from "../geometry/hit-test";
import { boxOf, type MaskGrid, type Slice, sliceOf, withSlice } from "../geometry/mask-grid";
import { crackOutlines } from "../geometry/outline";
import { rangeAround } from "../geometry/region-grow";
import { addLesion, changeLesion, removeLesion } from "../state/edits";
import { newId } from "../state/new-id";
import type { BrushTool } from "../state/room-ui";
import { type Gesture, type Ground, newLesion, type Pointer } from "./gesture";
import { thresholdRange } from "./threshold";
import { voxelsOf } from "./voxels";

/** Standard deviations that the dynamic brush goes from the mean of what lies under its middle. */
const DYNAMIC_SPREAD = 2;

/** null when there is nothing to erase from. */
export function paintMask(ground: Ground, tool: BrushTool, first: Pointer): Gesture | null {
  const { session, index } = ground;
  const erase = tool === "eraser" || first.shift;
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
  const takes = erase ? undefined : takesOf(ground, tool, first);
  if (takes === null) {
    session.say("maskLoading");
    return null;
  }
  const slices = layersOf(ground, tool, grid);
  let last = first.at;
  const paint = (...places: Point[]) => {
    for (const to of places) {
      for (const { slice, diameter } of slices) paintStroke(slice, last, to, diameter, erase ? 0 : 1, takes);
      last = to;
    }
    const drawn = slices.find(({ frame }) => frame === index)?.slice;
    const outlines = drawn ? sliceOutlines(drawn) : [];
    session.ui.setState({ draft: { kind: "mask", outlines }, painting: target?.id ?? null });
  };
  const clear = () => session.ui.setState({ draft: null, painting: null });
  paint(first.at);
  return {
    move: (pointer, passed) => paint(...passed.map(({ at }) => at), pointer.at),
    end: () => {
      clear();
      const painted = slices.reduce<MaskGrid | null>(
        (mask, { frame, slice }) => withSlice(mask, frame, slice),
        grid,
      );
      if (painted || target) storeMaskOf(ground, target, painted);
      else session.say(takes ? "nothingInRange" : "offImage");
    },
    cancel: clear,
  };
}

interface Layer {
  frame: number;
  slice: Slice;
  diameter: number;
}

/** The frames that the brush reaches, and how wide it is on each: one, or those that a ball cuts. */
function layersOf({ session, index, frame }: Ground, tool: BrushTool, grid: MaskGrid | null): Layer[] {
  const { brushSize } = session.ui.getState();
  const layer = (at: number, diameter: number): Layer => ({
    frame: at,
    slice: sliceOf(grid, at, frame.rows, frame.columns),
    diameter,
  });
  if (tool !== "sphereBrush") return [layer(index, brushSize)];
  const [apart, , perColumn] = voxelsOf({ session, index, frame } as Ground).spacing;
  const reach = Math.floor((brushSize * perColumn) / 2 / apart);
  return Array.from({ length: 2 * reach + 1 }, (_, i) => index - reach + i)
    .filter((at) => at >= 0 && at < session.frames.length)
    .map((at) => layer(at, cutDiameter(brushSize * perColumn, Math.abs(at - index) * apart) / perColumn))
    .filter(({ diameter }) => diameter > 0);
}

/** Which pixels a threshold brush takes; undefined for a plain one, null while the image is not loaded. */
function takesOf(
  ground: Ground,
  tool: BrushTool,
  { at }: Pointer,
): ((row: number, column: number) => boolean) | undefined | null {
  if (tool !== "thresholdBrush" && tool !== "dynamicBrush") return undefined;
  const { session, index } = ground;
  const voxels = voxelsOf(ground);
  const around = Math.max(1, session.ui.getState().brushSize / 6);
  const range =
    tool === "thresholdBrush"
      ? thresholdRange(ground)
      : rangeAround(voxels, [index, Math.floor(at[1]), Math.floor(at[0])], around, DYNAMIC_SPREAD);
  if (!range) return null;
  return (row, column) => {
    const value = voxels.value(index, row, column);
    return value !== null && value >= range.low && value <= range.high;
  };
}

/** Write a painted mask into the reading: a new lesion, a changed one, or none when everything was erased. */
export function storeMaskOf(ground: Ground, target: Lesion | null, grid: MaskGrid | null): void {
  const { session } = ground;
  if (!grid) {
    if (target) session.edit((doc) => removeLesion(doc, target.id));
    return;
  }
  const where = maskPlace(ground, grid);
  if (!where) return;
  if (target) {
    session.edit((doc) => changeLesion(doc, { ...target, ...where }));
    session.select(target.id);
    return;
  }
  const lesion = newLesion(ground, { id: newId(), ...where });
  if (!lesion) return;
  session.edit((doc) => addLesion(doc, lesion));
  session.select(lesion.id);
}

/** A mask as the place of a lesion; its first frame names the image. */
export function maskPlace(
  { session }: Pick<Ground, "session">,
  grid: MaskGrid,
): Pick<Lesion, "kind" | "mask" | "points" | "sop_instance_uid" | "frame"> | null {
  const { ref } = session.masks.add(grid);
  const place = session.frames[ref.origin[0]];
  return place ? { kind: "mask", mask: ref, points: [], sop_instance_uid: place.sop, frame: place.frame } : null;
}

/** The selected mask; for the eraser else the one under the pointer. A brush without one begins a new lesion. */
export function targetOf({ session, view, index }: Ground, erase: boolean, pointer: Pointer): Lesion | null {
  const selected = session.selectedLesion;
  const { locked } = session.ui.getState();
  if (selected?.mask && !locked.has(selected.id)) return selected;
  const { toCanvas } = view.store.getState();
  if (!erase || !toCanvas) return null;
  const masks = session.store.getState().doc.lesions.filter(({ id, mask }) => mask && !locked.has(id));
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
