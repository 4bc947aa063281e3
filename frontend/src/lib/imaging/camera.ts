/**
 * How an image lies on the canvas: fitted, zoomed, moved, flipped and turned.
 *
 * Lengths of the image are in its own units: millimetres where the header tells the spacing, else proportions.
 */
import { type Affine, canvasFromScoord, type Point } from "./coordinates";

export interface Camera {
  /** 1: the whole image fits. */
  zoom: number;
  /** From the middle of the canvas to that of the image, to the right and down as one sees it, in units of the image. */
  offset: Point;
  /** Degrees clockwise, a multiple of 90, after the flips. */
  rotation: number;
  flippedHorizontally: boolean;
  flippedVertically: boolean;
}

export const FITTED: Camera = {
  zoom: 1,
  offset: [0, 0],
  rotation: 0,
  flippedHorizontally: false,
  flippedVertically: false,
};

/** What is looked at: its size in pixels, and units between its rows and between its columns. */
export interface Extent {
  columns: number;
  rows: number;
  spacing: [number, number];
}

export interface Size {
  width: number;
  height: number;
}

const COSINES = [1, 0, -1, 0];

/** Canvas (CSS pixels) from SCOORD. */
export function affineOf(camera: Camera, extent: Extent, size: Size): Affine {
  const { columns, rows, spacing } = extent;
  const scale = scaleOf(camera, extent, size);
  const quarter = (((camera.rotation / 90) % 4) + 4) % 4;
  const cos = COSINES[quarter] as number;
  const sin = COSINES[(quarter + 3) % 4] as number;
  const x = scale * spacing[1] * (camera.flippedHorizontally ? -1 : 1);
  const y = scale * spacing[0] * (camera.flippedVertically ? -1 : 1);
  const [a, b, c, d] = [x * cos, x * sin, -y * sin, y * cos].map(withoutMinusZero) as [
    number,
    number,
    number,
    number,
  ];
  return {
    ...{ a, b, c, d },
    e: size.width / 2 + scale * camera.offset[0] - (a * columns + c * rows) / 2,
    f: size.height / 2 + scale * camera.offset[1] - (b * columns + d * rows) / 2,
  };
}

const withoutMinusZero = (value: number) => value + 0;

/** CSS pixels per unit of the image. */
export function scaleOf({ zoom, rotation }: Camera, { columns, rows, spacing }: Extent, size: Size): number {
  const [across, down] = [columns * spacing[1], rows * spacing[0]];
  const [wide, tall] = rotation % 180 === 0 ? [across, down] : [down, across];
  return zoom * Math.min(size.width / wide, size.height / tall);
}

/** Moved by as many CSS pixels. */
export function panned(camera: Camera, scale: number, [dx, dy]: Point): Camera {
  return { ...camera, offset: [camera.offset[0] + dx / scale, camera.offset[1] + dy / scale] };
}

/** Zoomed; what lies at a place, given in CSS pixels from the middle of the canvas, stays there. */
export function zoomed(camera: Camera, scale: number, factor: number, [x, y]: Point): Camera {
  const kept = (offset: number, at: number) => (at - factor * (at - offset * scale)) / (scale * factor);
  return {
    ...camera,
    zoom: camera.zoom * factor,
    offset: [kept(camera.offset[0], x), kept(camera.offset[1], y)],
  };
}

/** Mirrored as one sees it: left and right, or top and bottom, change sides. */
export function flipped(camera: Camera, axis: "horizontal" | "vertical"): Camera {
  const rotation = (360 - camera.rotation) % 360;
  const [x, y] = camera.offset;
  return axis === "horizontal"
    ? { ...camera, rotation, offset: [-x, y], flippedHorizontally: !camera.flippedHorizontally }
    : { ...camera, rotation, offset: [x, -y], flippedVertically: !camera.flippedVertically };
}

/** A quarter turn clockwise around the middle of the canvas. */
export function turned(camera: Camera): Camera {
  const [x, y] = camera.offset;
  return { ...camera, rotation: (camera.rotation + 90) % 360, offset: [-y, x] };
}

/** Where the left and top edge of the image lie on the canvas, flips and turns included, and how large it is there. */
export function boxOf(affine: Affine, { columns, rows }: Extent): { left: number; top: number } & Size {
  const corners = (
    [
      [0, 0],
      [columns, 0],
      [0, rows],
      [columns, rows],
    ] as Point[]
  ).map((corner) => canvasFromScoord(corner, affine));
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}
