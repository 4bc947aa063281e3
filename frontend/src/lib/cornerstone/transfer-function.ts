/** Our grey curve as the colour transfer function with which the graphics card draws. */
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";
import { type Curve, curveAt, FINEST_STEPS } from "./voi";

/** Texels of the curve's texture: fine enough that a grey is rounded as it is where the server renders. */
export const TEXELS = FINEST_STEPS;

/**
 * vtk.js fills texel i of n with the value at i / (n - 1) of the range, but the card finds it at (i + ½) / n. The nodes
 * stand as much further from the middle, so that every value meets its own grey. The ends are those of the range.
 */
export function transferFunctionOf(curve: Curve) {
  const [low, high] = [curve[0]?.[0] ?? 0, curve.at(-1)?.[0] ?? 1];
  const middle = (low + high) / 2;
  const halfTexel = (high - low) / TEXELS / 2;
  const inner = curve
    .map(([x, grey]): [number, number] => [middle + ((x - middle) * TEXELS) / (TEXELS - 1), grey])
    .filter(([x]) => x > low && x < high);
  const nodes: Curve = [
    [low, curveAt(curve, low + halfTexel)],
    ...inner,
    [high, curveAt(curve, high - halfTexel)],
  ];
  const made = vtkColorTransferFunction.newInstance();
  made.setNodes(nodes.map(([x, grey]) => ({ x, r: grey, g: grey, b: grey, midpoint: 0.5, sharpness: 0 })));
  return made;
}
