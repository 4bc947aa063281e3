/** Lasso, scissors and fill: a line around what is added to the mask or cut out of it, a click into a hole. */
import type { Lesion } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { withoutTails } from "../geometry/crossing";
import { clamped } from "../geometry/mark";
import type { MaskGrid } from "../geometry/mask-grid";
import { filledHoles, isSet, pieces, united, without } from "../geometry/mask-volume";
import { maskOfPoints } from "../geometry/rasterise";
import { type Gesture, type Ground, type Pointer, SMALLEST_DRAG, zoomNow } from "./gesture";
import { storeMaskOf, targetOf } from "./paint-mask";

/** Press, draw around, release. With Shift the lasso cuts and the scissors add. */
export function cutMask(ground: Ground, tool: "lasso" | "scissors", first: Pointer): Gesture | null {
  const { session, frame, index } = ground;
  const takesAway = (tool === "scissors") !== first.shift;
  const target = targetOf(ground, takesAway, first) ?? (takesAway ? onlyMask(ground) : null);
  const grid = session.masks.gridOf(target?.mask ?? null);
  if (takesAway && !target) {
    session.say("nothingToErase");
    return null;
  }
  if (target && !grid) {
    session.say("maskLoading");
    return null;
  }
  let line: Point[] = [clamped(first.at, frame)];
  const clear = () => session.ui.setState({ draft: null });
  return {
    move: (pointer, passed) => {
      const zoom = zoomNow(ground);
      for (const { at } of [...passed, pointer]) {
        const [to, last] = [clamped(at, frame), line.at(-1) as Point];
        if (Math.hypot(to[0] - last[0], to[1] - last[1]) * zoom >= 1) line = [...line, to];
      }
      session.ui.setState({ draft: { kind: "freehand", points: line } });
    },
    end: () => {
      clear();
      const inside = line.length >= 3 ? maskOfPoints("freehand", withoutTails(line), index, frame) : null;
      if (!inside) {
        if (line.length * zoomNow(ground) > SMALLEST_DRAG) session.say("tooSmall");
        return;
      }
      storeMaskOf(ground, target, takesAway ? without(grid as MaskGrid, inside) : joined(grid, inside));
    },
    cancel: clear,
  };
}

const joined = (grid: MaskGrid | null, added: MaskGrid) => united(grid ? [grid, added] : [added]);

/** A hole can be begun outside of the mask: then the only mask of the frame is meant. */
function onlyMask({ session, index }: Ground): Lesion | null {
  const { locked } = session.ui.getState();
  const here = session.store
    .getState()
    .doc.lesions.filter((lesion) => lesion.mask && !locked.has(lesion.id) && session.isOnFrame(lesion, index));
  return here.length === 1 ? (here[0] as Lesion) : null;
}

/** Fill the hole of a mask that was clicked. */
export function fillHole(ground: Ground, pointer: Pointer): void {
  const { session, index } = ground;
  const target = targetOf(ground, true, pointer) ?? onlyMask(ground);
  const grid = session.masks.gridOf(target?.mask ?? null);
  if (!target || !grid) {
    session.say(target ? "maskLoading" : "nothingToFill");
    return;
  }
  const hole = without(filledHoles(grid), grid);
  const [row, column] = [Math.floor(pointer.at[1]), Math.floor(pointer.at[0])];
  const clicked = hole && pieces(hole).find((piece) => isSet(piece, index, row, column));
  const plane = clicked && onFrame(clicked, index);
  if (!plane) {
    session.say("notEnclosed");
    return;
  }
  storeMaskOf(ground, target, united([grid, plane]));
}

function onFrame(grid: MaskGrid, frame: number): MaskGrid {
  const size = grid.shape[1] * grid.shape[2];
  const from = (frame - grid.origin[0]) * size;
  const [, rows, columns] = grid.shape;
  return {
    origin: [frame, grid.origin[1], grid.origin[2]],
    shape: [1, rows, columns],
    data: grid.data.slice(from, from + size),
  };
}
