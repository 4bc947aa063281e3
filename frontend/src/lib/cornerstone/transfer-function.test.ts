import { describe, expect, it } from "vitest";
import { TEXELS, transferFunctionOf } from "./transfer-function";
import { type Curve, curveOf, greyOf, type Voi } from "./voi";

/** What vtk.js' ImageMapper and the card make of a value: a table of bytes over the range, sampled linearly. */
function drawn(curve: Curve): (value: number) => number {
  const made = transferFunctionOf(curve);
  const [low, high] = made.getMappingRange() as [number, number];
  const rgb = new Float32Array(TEXELS * 3);
  (made as unknown as { getTable: (...given: unknown[]) => void }).getTable(low, high, TEXELS, rgb, 1);
  const bytes = Uint8ClampedArray.from(rgb, (grey) => grey * 255);
  return (value) => {
    const at = Math.min(TEXELS - 1, Math.max(0, ((value - low) / (high - low)) * TEXELS - 0.5));
    const [before, after] = [Math.floor(at), Math.ceil(at)];
    const [one, other] = [bytes[before * 3] as number, bytes[after * 3] as number];
    return Math.round(one + (other - one) * (at - before));
  };
}

describe("The curve on the graphics card", () => {
  it.each([
    { width: 102, centre: 49 },
    { width: 100, centre: 40 },
    { width: 1500, centre: -600 },
    { width: 4096, centre: 2048 },
    { width: 255, centre: 127.5, curve: "LINEAR_EXACT" as const },
  ])("gives each whole value the grey that the server rounds to: $width at $centre", (window) => {
    const voi: Voi = { kind: "window", window };
    const grey = drawn(curveOf(voi));
    const reach = Math.ceil(window.width / 2) + 3;
    for (let value = Math.floor(window.centre) - reach; value <= window.centre + reach; value++) {
      // A texel is a sixteenth of a grey: as near to the middle of two as that, either is right.
      expect(Math.abs(grey(value) - greyOf(value, voi) * 255)).toBeLessThan(0.57);
    }
  });
});
