/** Region growing: press on the lesion, drag to widen or narrow the range, release. Through the slices of a series. */
import type { MaskGrid, Triple } from "../geometry/mask-grid";
import { coversFrame, sliceOf } from "../geometry/mask-grid";
import { filledHoles, united } from "../geometry/mask-volume";
import { type Growth, grown, rangeAround, reachOf, type Voxels } from "../geometry/region-grow";
import type { Gesture, Ground, Pointer } from "./gesture";
import { sliceOutlines, storeMaskOf, targetOf } from "./paint-mask";
import { haveFrames, voxelsOf } from "./voxels";

/** Pixels around the pressed place whose values begin the range. */
const SEED_RADIUS = 2;
/** Standard deviations about their mean; a drag of 60 px to the right doubles it, to the left halves it. */
const SPREAD = 3;
const DOUBLING_PX = 60;

export function growRegion(ground: Ground, first: Pointer): Gesture | null {
  const { session, frame, index } = ground;
  const seed: Triple = [index, Math.floor(first.at[1]), Math.floor(first.at[0])];
  if (seed[1] < 0 || seed[2] < 0 || seed[1] >= frame.rows || seed[2] >= frame.columns) {
    session.say("offImage");
    return null;
  }
  const target = targetOf(ground, false, first);
  const kept = session.masks.gridOf(target?.mask ?? null);
  if (target && !kept) {
    session.say("maskLoading");
    return null;
  }
  let growth = growthOf(ground, seed, SPREAD);
  if (!growth) {
    session.say("imageLoading");
    return null;
  }
  const show = () => {
    // Only the drawn slice while the range is sought: the rest follows on release.
    const flat = growth && grown(oneFrame(voxelsOf(ground), index), { ...growth, seed: [0, seed[1], seed[2]] });
    const here =
      flat && united([{ ...flat, origin: [index, flat.origin[1], flat.origin[2]] }, ...(kept ? [kept] : [])]);
    const outlines =
      here && coversFrame(here, index) ? sliceOutlines(sliceOf(here, index, frame.rows, frame.columns)) : [];
    session.ui.setState({ draft: { kind: "mask", outlines }, painting: target?.id ?? null });
  };
  const clear = () => session.ui.setState({ draft: null, painting: null });
  show();
  return {
    move: (pointer) => {
      const spread = SPREAD * 2 ** ((pointer.canvas[0] - first.canvas[0]) / DOUBLING_PX);
      growth = growthOf(ground, seed, spread) ?? growth;
      show();
    },
    end: () => {
      if (growth) void finish(ground, growth, target?.id ?? null, clear);
    },
    cancel: clear,
  };
}

function growthOf(ground: Ground, seed: Triple, spread: number): Growth | null {
  const range = rangeAround(voxelsOf(ground), seed, SEED_RADIUS, spread);
  return range && { seed, ...range, radius: ground.session.ui.getState().growRadius };
}

function oneFrame(voxels: Voxels, index: number): Voxels {
  return { ...voxels, frames: 1, value: (_, row, column) => voxels.value(index, row, column) };
}

/** Every slice in reach has to be there before anything is stored: half a lesion would look like a whole one. */
async function finish(ground: Ground, growth: Growth, targetId: string | null, clear: () => void): Promise<void> {
  const { session } = ground;
  const [first, last] = reachOf(voxelsOf(ground), growth);
  const there = await haveFrames(session, first[0], last[0]);
  clear();
  if (!there) {
    session.say("imageLoading");
    return;
  }
  const found = grown(voxelsOf(ground), growth);
  // Noise leaves pinholes that nobody means.
  const grid = found && filledHoles(found);
  const target = session.store.getState().doc.lesions.find(({ id }) => id === targetId) ?? null;
  const kept = session.masks.gridOf(target?.mask ?? null);
  if (!grid) session.say("nothingInRange");
  else storeMaskOf(ground, target, united(kept ? [kept, grid] : [grid]) as MaskGrid);
}
