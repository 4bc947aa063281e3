/** What a measurement says, in words and numbers: beside it on the image and in the list. */
import type { Lesion, Measurement } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import { pixelsOf, sliceSpacing } from "@/lib/imaging/pixels";
import type { MaskGrid } from "../geometry/mask-grid";
import { voxelCount } from "../geometry/mask-volume";
import { measuredBy } from "../geometry/measurement";
import { maskOfPoints } from "../geometry/rasterise";
import { type Statistics, statisticsOf } from "../geometry/statistics";
import type { RoomSession } from "../state/room-session";
import type { Words } from "../state/use-words";
import { onFrame } from "./measure-marks";

const NBSP = "\u00a0";

/** "23.4 mm", "23.4 × 12.0 mm", "62.5°"; of a region its area and what its pixels are like. */
export function measurementText(session: RoomSession, measurement: Measurement, t: Words): string[] {
  const index = session.frames.findIndex((frame) => onFrame(measurement, frame));
  const frame = session.frames[index];
  if (!frame) return [];
  const found = measuredBy(measurement.kind, measurement.points, frame.spacing);
  const said = measurement.text ? [measurement.text] : [];
  if (found.kind === "length") return [...said, `${length(found.length, found.unit)}${NBSP}${found.unit}`];
  if (found.kind === "bidirectional") {
    return [...said, `${length(found.long, found.unit)} × ${length(found.short, found.unit)}${NBSP}${found.unit}`];
  }
  if (found.kind === "angle") return [...said, `${decimal(found.degrees, 1)}°`];
  if (found.kind === "arrow") return said;
  const region = maskOfPoints("ellipse", measurement.points, index, frame);
  const area = `${decimal(found.area, found.unit === "mm" ? 1 : 0)}${NBSP}${found.unit}²`;
  return [...said, area, ...statisticsText(session, region, t)];
}

const length = (value: number, unit: string) => decimal(value, unit === "mm" ? 1 : 0);

/** "mean 34.2 ± 12.0 HU", "−20 to 98 HU"; nothing while the image is not loaded. */
export function statisticsText(session: RoomSession, region: MaskGrid | null, t: Words): string[] {
  const found = region && statisticsIn(session, region);
  if (!found) return [];
  const unit = session.room.case.modality === "CT" ? `${NBSP}HU` : "";
  const one = (value: number) => decimal(value, 1);
  const whole = (value: number) => decimal(value, Number.isInteger(value) ? 0 : 1);
  return [
    t("stats.mean", { mean: one(found.mean), sd: one(found.sd) }) + unit,
    t("stats.range", { min: whole(found.min), max: whole(found.max) }) + unit,
  ];
}

function statisticsIn(session: RoomSession, region: MaskGrid): Statistics | null {
  const frames = new Map<number, ReturnType<typeof pixelsOf>>();
  return statisticsOf(region, (frame, row, column) => {
    let pixels = frames.get(frame);
    if (pixels === undefined) {
      const ref = session.frames[frame];
      pixels = ref ? pixelsOf(ref) : null;
      frames.set(frame, pixels);
    }
    return pixels?.value(row, column) ?? null;
  });
}

/** Area of a lesion on one slice, or its volume: "212.4 mm²", "1.42 cm³"; "830 px" where the header does not tell a length. */
export function extentText(session: RoomSession, region: MaskGrid): string {
  const index = region.origin[0];
  const n = voxelCount(region);
  const spacing = session.frames[index]?.spacing;
  const apart = sliceSpacing(session.frames, index);
  const isFlat = region.shape[0] === 1;
  if (!spacing || (apart === null && !isFlat)) return `${decimal(n, 0)}${NBSP}px`;
  const [perRow, perColumn] = spacing;
  if (apart === null || isFlat) return `${decimal(n * perRow * perColumn, 1)}${NBSP}mm²`;
  const mm3 = n * apart * perRow * perColumn;
  return mm3 < 1000 ? `${decimal(mm3, 0)}${NBSP}mm³` : `${decimal(mm3 / 1000, 2)}${NBSP}cm³`;
}

/** A lesion as pixels; null for a point and while its mask is not loaded. */
export function regionOf(session: RoomSession, lesion: Lesion): MaskGrid | null {
  if (lesion.mask) return session.masks.gridOf(lesion.mask);
  if (lesion.kind === "point") return null;
  const index = session.frameIndexOf(lesion);
  const frame = session.frames[index];
  return frame ? maskOfPoints(lesion.kind, lesion.points, index, frame) : null;
}
