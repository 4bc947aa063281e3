/** A mark without the mouse: placed in the middle of the view, then moved and sized by keys. */
import { type Point, scoordFromCanvas } from "@/lib/imaging/coordinates";
import { paintStroke } from "../geometry/brush";
import { boxPoints, circlePoints, clamped, ellipseInBox, outlineOf } from "../geometry/mark";
import { sliceOf, withSlice } from "../geometry/mask-grid";
import { withShortAxis } from "../geometry/measurement";
import { isBrushTool, isMarkTool, isMeasureTool, isPointingTool, kindOfTool } from "../state/room-ui";
import { commit } from "./draw-shape";
import type { Ground } from "./gesture";
import { addMeasurement } from "./measure-marks";
import { storeMaskOf } from "./paint-mask";
import { pointAtMiddle } from "./point-at";

const SHARE = 1 / 8;

export function placeMark(ground: Ground): void {
  const { session, view, frame, index } = ground;
  const { tool, brushSize } = session.ui.getState();
  const { toCanvas, size } = view.store.getState();
  if (!toCanvas || tool === "eraser" || session.isReadonly) return;
  const at = (x: number, y: number) => clamped(scoordFromCanvas([x, y], toCanvas), frame);
  const middle = at(size.width / 2, size.height / 2);
  if (isBrushTool(tool)) {
    const selected = session.selectedLesion;
    const target = selected?.mask ? selected : null;
    const grid = session.masks.gridOf(target?.mask ?? null);
    const slice = sliceOf(grid, index, frame.rows, frame.columns);
    paintStroke(slice, middle, middle, brushSize, 1);
    storeMaskOf(ground, target, withSlice(grid, index, slice));
    return;
  }
  const half = (Math.min(size.width, size.height) * SHARE) / 2;
  const from = at(size.width / 2 - half, size.height / 2 - half);
  const to = at(size.width / 2 + half, size.height / 2 + half);
  if (isMeasureTool(tool)) {
    const left: Point = [from[0], middle[1]];
    const right: Point = [to[0], middle[1]];
    const top: Point = [middle[0], from[1]];
    if (tool === "roi") addMeasurement(ground, tool, ellipseInBox(from, to));
    else if (tool === "bidirectional") addMeasurement(ground, tool, withShortAxis(left, right, frame.spacing));
    else addMeasurement(ground, tool, tool === "angle" ? [left, middle, top] : [left, right]);
    return;
  }
  if (!isMarkTool(tool)) return;
  const kind = kindOfTool(tool, session.activeType?.allowed_marks);
  if (isPointingTool(tool)) pointAtMiddle(ground, middle);
  else if (kind === "mask") session.say("pointerOnly");
  else if (tool === "point") commit(ground, "point", [middle]);
  else if (tool === "circle") commit(ground, "ellipse", circlePoints(middle, to, frame.spacing ?? [1, 1], frame));
  else if (tool === "box") commit(ground, "box", boxPoints(from, to));
  else if (tool === "ellipse") commit(ground, "ellipse", ellipseInBox(from, to));
  else commit(ground, kind, diamond(from, to));
}

/** Eight vertices to begin an outline with. */
function diamond(from: Point, to: Point): Point[] {
  return outlineOf("ellipse", ellipseInBox(from, to)).filter((_, i) => i % 9 === 0);
}
