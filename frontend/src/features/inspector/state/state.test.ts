import { describe, expect, it } from "vitest";
import type { ArrayRef, SeenLayer } from "@/lib/api-types";
import { Arrays, filled, meansByMask, outlineOf, valueAt } from "./arrays";
import { fieldOf } from "./field";
import { layerNames, partsOf, stepName } from "./layer-names";
import { inferno, weightGrey } from "./shades";

const layer = (name: string, size: number, spans: SeenLayer["spans"] = null): SeenLayer => ({
  ...{ name, channels: 1, size: [size, size], sees: null, spans, steps: [], filters: [] },
  maps: {
    array: { offset: 0, type: "uint8", shape: [1, size, size] },
    low: [0],
    high: [1],
    kept: [0],
    strengths: [1],
  },
});

/** Bytes 0, 51, 255, 102, and the shorts that say: position 0 sees 0…2, position 1 sees 1…3. */
function arrays(): { arrays: Arrays; low: ArrayRef; high: ArrayRef } {
  const buffer = new ArrayBuffer(12);
  new Uint8Array(buffer).set([0, 51, 255, 102]);
  new Int16Array(buffer, 4).set([0, 1, 2, 3]);
  const short = (offset: number): ArrayRef => ({ offset, type: "int16", shape: [2] });
  return { arrays: new Arrays(buffer), low: short(4), high: short(8) };
}

describe("a map", () => {
  it("has its values between its lowest and its highest", () => {
    const maps = { array: { offset: 0, type: "uint8" as const, shape: [1, 2, 2] }, low: [-1], high: [4] };
    const map = arrays().arrays.map(maps, 0);
    expect([valueAt(map, 0, 0), valueAt(map, 0, 1), valueAt(map, 1, 0)]).toEqual([-1, 0, 4]);
  });

  it("is shown as far as the image fills it", () => {
    expect(filled({ rows: 16, columns: 16 }, 128, [107, 128])).toEqual({ rows: 13, columns: 16 });
    expect(filled({ rows: 8, columns: 8 }, 128, [3, 128]).rows).toBe(1);
  });

  it("is compared inside and outside of a lesion of the input's size", () => {
    const map = { rows: 2, columns: 2, bytes: new Uint8Array([255, 0, 0, 0]), low: 0, high: 3 };
    const mask = new Uint8Array(16).fill(0);
    for (const at of [0, 1, 4, 5]) mask[at] = 1;
    expect(meansByMask(map, mask, 4, [4, 4])).toEqual({ inside: 3, outside: 0 });
    expect(meansByMask(map, new Uint8Array(16), 4, [4, 4])).toBeNull();
  });
});

describe("the receptive field of a value", () => {
  it("is the rectangle from the first to the last pixel that it sees", () => {
    const { arrays: made, low, high } = arrays();
    const spans: SeenLayer["spans"] = [
      [low, high],
      [low, high],
    ];
    expect(fieldOf(layer("encoder.0", 2, spans), made, 0, 1)).toEqual({ top: 0, left: 1, height: 3, width: 3 });
  });

  it("is nothing where it cannot be told", () => {
    expect(fieldOf(layer("encoder.0", 2), arrays().arrays, 0, 0)).toBeNull();
  });
});

describe("an outline", () => {
  it("closes around the pixels of a mask, and around each part of it", () => {
    const mask = new Uint8Array(16);
    mask[5] = 1;
    expect(outlineOf(mask, 4)).toBe("M1 1L2 1L2 2L1 2Z");
    mask[15] = 1;
    expect(outlineOf(mask, 4).match(/Z/g)).toHaveLength(2);
  });
});

describe("the names of blocks", () => {
  const t = ((key: string, { n }: { n?: number } = {}) => (n ? `${key} ${n}` : key)) as never;

  it("follow the U from its sizes alone", () => {
    const layers = [
      ...[layer("encoder.0", 8), layer("encoder.1", 4), layer("encoder.2", 2)],
      ...[layer("decoder.0", 4), layer("decoder.1", 8), layer("type_head", 8)],
    ];
    expect(partsOf(layers)).toEqual(["down", "down", "bottom", "up", "up", "answer"]);
    expect(layerNames(layers, t)).toEqual([
      ...["layer.level 1", "layer.level 2", "layer.bottom", "layer.up 2", "layer.up 1", "layer.types"],
    ]);
  });

  it("are levels in a network that only goes down", () => {
    expect(partsOf([layer("0", 8), layer("1", 4)])).toEqual(["down", "down"]);
  });
});

describe("what changed the size before a block", () => {
  const t = ((key: string, { by }: { by: string }) => `${key} ${by}`) as never;
  it.each([
    ["max_pool2d", 2, "step.max 2 × 2"],
    ["avg_pool3d", 2, "step.mean 2 × 2"],
    ["conv2d", 2, "step.stride 2 × 2"],
    ["conv_transpose2d", 0.5, "step.larger 2 × 2"],
    ["interpolate", 0.5, "step.larger 2 × 2"],
  ])("is told of %s", (name, factor, told) => {
    expect(stepName({ function: name, factor: [factor, factor] }, t)).toBe(told);
  });
});

describe("shades", () => {
  it("put a weight of 0 in the middle and the largest at the ends", () => {
    expect([weightGrey(-2, 2), weightGrey(0, 2), weightGrey(2, 2)]).toEqual([0, 128, 255]);
  });

  it("go from black to pale yellow", () => {
    expect([inferno(0), inferno(1)]).toEqual([
      [0, 0, 4],
      [252, 255, 164],
    ]);
  });
});
