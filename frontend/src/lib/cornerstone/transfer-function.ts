/** Our grey curve as the colour transfer function with which the graphics card draws. */
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";
import { type Curve, FINEST_STEPS } from "./voi";

/** Texels of the curve's texture: enough for a straight line, and for tables of 12 bits. */
export const texelsOf = (curve: Curve): number => (curve.length > 2 ? FINEST_STEPS : 1024);

export function transferFunctionOf(curve: Curve) {
  const made = vtkColorTransferFunction.newInstance();
  made.setNodes(curve.map(([x, grey]) => ({ x, r: grey, g: grey, b: grey, midpoint: 0.5, sharpness: 0 })));
  const [first, last] = [curve[0], curve.at(-1)] as [[number, number], [number, number]];
  made.setMappingRange(first[0], last[0]);
  return made;
}
