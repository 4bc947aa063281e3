/** What is done to marks as a whole: through the slices, into another kind, several at once. All of it can be undone. */
import type { Lesion, MarkKind } from "@/lib/api-types";
import { type Point, scoordFromCanvas } from "@/lib/imaging/coordinates";
import { hitMarks } from "../geometry/hit-test";
import { interpolated } from "../geometry/interpolate";
import { clamped, ellipseInBox, outlineOf, rounded } from "../geometry/mark";
import { coversFrame, type MaskGrid } from "../geometry/mask-grid";
import { copiedFrame, filledHoles, markedFrames, pieces, united, voxelCount } from "../geometry/mask-volume";
import { simplifyOutline } from "../geometry/outline";
import { maskOfPoints } from "../geometry/rasterise";
import { snapped } from "../geometry/snap";
import { addLesion, convertLesion, drawnCopy, mergeLesions, revertLesion, splitLesion } from "../state/edits";
import { newId } from "../state/new-id";
import type { RoomSession } from "../state/room-session";
import type { Ground } from "./gesture";
import { maskPlace, storeMaskOf } from "./paint-mask";
import { greyOf, spacingAt } from "./voxels";

/** The selected lesion when it may be changed. */
function inHand(session: RoomSession): Lesion | null {
  const lesion = session.selectedLesion;
  if (!lesion) {
    session.say("selectFirst");
    return null;
  }
  if (session.ui.getState().locked.has(lesion.id)) {
    session.say("locked");
    return null;
  }
  return lesion;
}

function allows(session: RoomSession, lesion: Lesion, kind: MarkKind): boolean {
  const type = session.typeOf(lesion.finding_type);
  if (!type || type.allowed_marks.includes(kind)) return true;
  session.say("notAllowed", { type: type.name, mark: kind });
  return false;
}

/** A lesion as a mask; null while its own is not loaded. */
function gridOf(session: RoomSession, lesion: Lesion): MaskGrid | null {
  if (lesion.mask) return session.masks.gridOf(lesion.mask);
  const index = session.frameIndexOf(lesion);
  const frame = session.frames[index];
  return frame ? maskOfPoints(lesion.kind, lesion.points, index, frame) : null;
}

/** The selected lesion as a mask, changed; a contour becomes a mask on the way and remembers what it was. */
function changeMask(ground: Ground, change: (grid: MaskGrid) => MaskGrid | null): void {
  const { session } = ground;
  const lesion = inHand(session);
  if (!lesion || !allows(session, lesion, "mask")) return;
  const grid = gridOf(session, lesion);
  if (!grid) {
    session.say("maskLoading");
    return;
  }
  const changed = change(grid);
  if (!changed || changed === grid) return;
  if (lesion.mask) storeMaskOf(ground, lesion, changed);
  else {
    const place = maskPlace(ground, changed);
    if (place) session.edit((doc) => convertLesion(doc, lesion, place));
  }
}

export function interpolate(ground: Ground): void {
  const { session, index } = ground;
  changeMask(ground, (grid) => {
    const marked = markedFrames(grid);
    const first = marked[0] ?? 0;
    const gaps = marked.length > 1 && (marked.at(-1) as number) - first + 1 > marked.length;
    if (!gaps) {
      session.say("noGaps");
      return null;
    }
    const [, perRow, perColumn] = spacingAt(session, index);
    return interpolated(grid, perRow, perColumn);
  });
}

/** What is marked on this slice also on the next or previous one, and go there. */
export function copyToSlice(ground: Ground, by: 1 | -1): void {
  const { session, index } = ground;
  const lesion = inHand(session);
  const to = index + by;
  const there = session.frames[to];
  if (!lesion || !there || !session.isOnFrame(lesion, index)) return;
  const asMask = session.typeOf(lesion.finding_type)?.allowed_marks.includes("mask") ?? true;
  if (asMask) changeMask(ground, (grid) => (coversFrame(grid, index) ? copiedFrame(grid, index, to) : null));
  else {
    const { kind, points } = lesion;
    const place = { kind, points, mask: null, sop_instance_uid: there.sop, frame: there.frame };
    const copy = drawnCopy(lesion, newId(), place);
    session.edit((doc) => addLesion(doc, copy));
    session.select(copy.id);
  }
  session.view?.goTo(to);
}

export function fillHoles(ground: Ground): void {
  changeMask(ground, (grid) => {
    const filled = filledHoles(grid);
    if (voxelCount(filled) > voxelCount(grid)) return filled;
    ground.session.say("noHoles");
    return null;
  });
}

/** Only the largest piece stays. */
export function removeIslands(ground: Ground): void {
  changeMask(ground, (grid) => {
    const [largest, ...islands] = pieces(grid);
    if (islands.length) return largest ?? null;
    ground.session.say("noIslands");
    return null;
  });
}

export function toMask(ground: Ground): void {
  const lesion = ground.session.selectedLesion;
  if (lesion && !lesion.mask) changeMask(ground, (grid) => ({ ...grid }));
}

/** The selected lesion as the box around it, on one slice. */
export function toBox({ session }: Ground): void {
  const lesion = inHand(session);
  if (!lesion || lesion.kind === "box" || lesion.kind === "point" || !allows(session, lesion, "box")) return;
  const index = session.frameIndexOf(lesion);
  const place = session.frames[index];
  const points = session.outlines(lesion, index).flat();
  if (!place || points.length === 0) return;
  if (lesion.mask && lesion.mask.shape[0] > 1) {
    session.say("oneSliceOnly");
    return;
  }
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const corners: Point[] = [
    clamped([Math.min(...xs), Math.min(...ys)], place),
    clamped([Math.max(...xs), Math.max(...ys)], place),
  ];
  const where = { kind: "box" as const, points: corners.map(rounded), mask: null };
  session.edit((doc) => convertLesion(doc, lesion, { ...where, sop_instance_uid: place.sop, frame: place.frame }));
}

/** The selected box as the ellipse that fills it. */
export function boxToEllipse({ session }: Ground): void {
  const lesion = inHand(session);
  if (lesion?.kind !== "box" || !allows(session, lesion, "ellipse")) return;
  const [from, to] = lesion.points as [Point, Point];
  const { sop_instance_uid, frame } = lesion;
  const place = { kind: "ellipse" as const, points: ellipseInBox(from, to), mask: null, sop_instance_uid, frame };
  session.edit((doc) => convertLesion(doc, lesion, place));
}

/** Pull the selected outline onto the edge that the image shows. */
export function snapToEdge(ground: Ground): void {
  const { session, index, frame } = ground;
  const lesion = inHand(session);
  const type = lesion && session.typeOf(lesion.finding_type);
  if (!lesion || lesion.mask || lesion.kind === "point" || !session.isOnFrame(lesion, index)) return;
  const kind = (["freehand", "polygon"] as const).find((one) => type?.allowed_marks.includes(one));
  const grey = greyOf(ground);
  if (!kind || !grey) {
    session.say(kind ? "imageLoading" : "notAllowed", { type: type?.name, mark: "freehand" });
    return;
  }
  const line = snapped(outlineOf(lesion.kind === "box" ? "ellipse" : lesion.kind, startOf(lesion)), grey);
  if (!line) {
    session.say("noEdge");
    return;
  }
  const points = simplifyOutline(line, 0.2).map((point) => rounded(clamped(point, frame)));
  const place = { kind, points, mask: null, sop_instance_uid: frame.sop, frame: frame.frame };
  session.edit((doc) => convertLesion(doc, lesion, place));
}

const startOf = ({ kind, points }: Lesion): Point[] =>
  kind === "box" ? ellipseInBox(points[0] as Point, points[1] as Point) : points;

/** As it was first drawn. */
export function revert({ session }: Ground): void {
  const lesion = inHand(session);
  if (lesion?.drawn_as) session.edit((doc) => revertLesion(doc, lesion));
}

export function duplicate(ground: Ground): void {
  const { session, frame } = ground;
  const lesion = session.selectedLesion;
  if (!lesion) return;
  const { kind, mask, sop_instance_uid, frame: number } = lesion;
  // Beside its original, or nobody would see that there are two.
  const apart = Math.max(2, Math.round(frame.columns / 50));
  const points = lesion.points.map(([x, y]): Point => [x + apart, y + apart]);
  const inside = points.every(([x, y]) => x <= frame.columns && y <= frame.rows);
  const copy = drawnCopy(lesion, newId(), {
    ...{ kind, mask, sop_instance_uid, frame: number },
    points: inside ? points.map(rounded) : lesion.points,
  });
  session.edit((doc) => addLesion(doc, copy));
  session.select(copy.id);
}

export function merge(ground: Ground): void {
  const { session } = ground;
  const chosen = session.chosenLesions;
  const [first] = chosen;
  if (!first || chosen.length < 2) {
    session.say("selectTwo");
    return;
  }
  const { locked } = session.ui.getState();
  if (chosen.some(({ id }) => locked.has(id))) {
    session.say("locked");
    return;
  }
  if (!allows(session, first, "mask")) return;
  const grids = chosen.map((lesion) => gridOf(session, lesion));
  if (grids.some((grid) => grid === null)) {
    session.say("maskLoading");
    return;
  }
  const place = maskPlace(ground, united(grids as MaskGrid[]) as MaskGrid);
  if (!place) return;
  const ids = chosen.map(({ id }) => id);
  session.edit((doc) => mergeLesions(doc, ids, place));
  session.select(first.id);
}

/** Pieces that do not touch become lesions of their own. */
export function split(ground: Ground): void {
  const { session } = ground;
  const lesion = inHand(session);
  const grid = lesion?.mask ? session.masks.gridOf(lesion.mask) : null;
  const parts = grid ? pieces(grid) : [];
  if (!lesion || parts.length < 2) {
    if (lesion) session.say("onePiece");
    return;
  }
  const places = parts.map((part) => maskPlace(ground, part)).filter((place) => place !== null);
  const ids = places.slice(1).map(newId);
  session.edit((doc) => splitLesion(doc, lesion, places, ids));
}

/** The next of the marks that lie over each other under the pointer, or in the middle of the view. */
export function cycleMarks(ground: Ground): void {
  const { session, view, index } = ground;
  const { toCanvas, size } = view.store.getState();
  if (!toCanvas) return;
  const { hover, hidden } = session.ui.getState();
  const middle = scoordFromCanvas([size.width / 2, size.height / 2], toCanvas);
  const [x, y] = hover ?? middle;
  const pointer: Point = [
    toCanvas.a * x + toCanvas.c * y + toCanvas.e,
    toCanvas.b * x + toCanvas.d * y + toCanvas.f,
  ];
  const doc = session.store.getState().doc;
  const drawn = doc.lesions
    .filter((lesion) => session.isOnFrame(lesion, index) && !hidden.has(lesion.id))
    .map((lesion) => ({ id: lesion.id, outlines: session.outlines(lesion, index) }));
  const hits = hitMarks(pointer, drawn, toCanvas);
  const at = hits.findIndex(({ id }) => id === session.store.getState().selected);
  const next = hits[(at + 1) % Math.max(1, hits.length)];
  if (next) session.select(next.id);
}
