/** Tells Cornerstone what our own reading of the headers says, where its image loader's reading falls short. */
import { metaData } from "@cornerstonejs/core";
import { greyScaleOf } from "./grey-scale";
import { type FrameHeader, headerOf, MACRO, numbersOf, TAG, textOf } from "./header";

/** Above the image loader's providers. */
const PRIORITY = 10_000;

export function answerForHeaders(): void {
  metaData.addProvider((type: string, imageId: string) => {
    const of = typeof imageId === "string" ? headerOf(imageId) : undefined;
    if (!of) return undefined;
    if (type === "modalityLutModule") return modalityModule(of);
    if (type === "voiLutModule") return {};
    if (type === "imagePlaneModule") return planeModule(of);
    return undefined;
  }, PRIORITY);
}

/** A table is applied with the window, in one curve; the pixels keep their stored values then. */
function modalityModule(of: FrameHeader) {
  const { slope, intercept, modalityTable } = greyScaleOf(of);
  return modalityTable
    ? { rescaleSlope: 1, rescaleIntercept: 0 }
    : { rescaleSlope: slope, rescaleIntercept: intercept };
}

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

function planeModule(of: FrameHeader) {
  const [rowPixelSpacing, columnPixelSpacing] = spacingOf(of);
  const cosines = numbersOf(of, TAG.orientation, MACRO.planeOrientation);
  const position = numbersOf(of, TAG.position, MACRO.planePosition);
  const isKnown = cosines.length === 6 && cosines.some((one) => one !== 0);
  const imageOrientationPatient = isKnown ? cosines : [1, 0, 0, 0, 1, 0];
  return {
    frameOfReferenceUID: textOf(of, "00200052"),
    rows: numbersOf(of, "00280010")[0],
    columns: numbersOf(of, "00280011")[0],
    imageOrientationPatient,
    rowCosines: imageOrientationPatient.slice(0, 3),
    columnCosines: imageOrientationPatient.slice(3, 6),
    imagePositionPatient: position.length === 3 ? position : [0, 0, 0],
    pixelSpacing: [rowPixelSpacing, columnPixelSpacing],
    rowPixelSpacing,
    columnPixelSpacing,
    usingDefaultValues: !isKnown || position.length !== 3,
  };
}
