/** The proportions of a frame's pixels. */
import { type FrameHeader, MACRO, numbersOf, TAG } from "./header";

/** Between rows, between columns: in mm where the header says so, else only in proportion. */
export function spacingOf(of: FrameHeader): [number, number] {
  const known = [
    numbersOf(of, TAG.pixelSpacing, MACRO.pixelMeasures),
    numbersOf(of, TAG.imagerPixelSpacing),
    aspectOf(of),
  ].find((pair) => pair.length === 2 && Math.min(...pair) > 0);
  return known ? [known[0] as number, known[1] as number] : [1, 1];
}

/** PixelAspectRatio (PS3.3 C.7.6.3.1.7) is the vertical size to the horizontal one. */
function aspectOf(of: FrameHeader): number[] {
  const [vertical, horizontal] = numbersOf(of, TAG.pixelAspectRatio);
  return vertical && horizontal ? [vertical / horizontal, 1] : [];
}
