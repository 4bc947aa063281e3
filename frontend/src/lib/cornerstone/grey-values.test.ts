import { describe, expect, test } from "vitest";
import { greyScaleOf, tableOf } from "./grey-scale";
import { type DicomJson, numbersOf, TAG } from "./header";
import { spacingOf } from "./metadata";
import {
  curveAt,
  curveOf,
  curveThrough,
  greyOf,
  invertedCurve,
  overStored,
  shaderOf,
  type Voi,
  withoutPadding,
} from "./voi";

const windowed = (width: number, centre: number, curve?: "LINEAR" | "LINEAR_EXACT" | "SIGMOID"): Voi => ({
  kind: "window",
  window: { width, centre, ...(curve ? { curve } : {}) },
});
const of = (header: DicomJson, frame = 1) => ({ header, frame });
const number = (...values: number[]) => ({ vr: "DS", Value: values });
const text = (...values: string[]) => ({ vr: "CS", Value: values });
const sequence = (...items: DicomJson[]) => ({ vr: "SQ", Value: items });
const table = (first: number, bits: number, values: number[]) => ({
  [TAG.tableDescriptor]: { vr: "US", Value: [values.length, first, bits] },
  [TAG.tableData]: { vr: "US", Value: values },
});

describe("windows", () => {
  test("are those of the standard: LINEAR half a step off, LINEAR_EXACT not", () => {
    // PS3.3 C.11.2.1.2.1, its own example: centre 2048, width 4096 shows 0 black and 4095 white.
    expect(greyOf(0, windowed(4096, 2048))).toBe(0);
    expect(greyOf(4095, windowed(4096, 2048))).toBe(1);
    expect(greyOf(4094, windowed(4096, 2048))).toBeLessThan(1);
    expect(greyOf(4095, windowed(4096, 2048, "LINEAR_EXACT"))).toBeLessThan(1);
    expect(greyOf(0, windowed(100, 0, "LINEAR_EXACT"))).toBe(0.5);
    // Width 1 parts at centre - 0.5.
    expect([99, 100].map((value) => greyOf(value, windowed(1, 100)))).toEqual([0, 1]);
  });

  test("of a sigmoid are one over one plus e to the minus four", () => {
    const voi = windowed(400, 40, "SIGMOID");
    expect(greyOf(40, voi)).toBe(0.5);
    expect(greyOf(240, voi)).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
    expect(Math.abs(curveAt(curveOf(voi), 111.1) - greyOf(111.1, voi))).toBeLessThan(1e-4);
  });

  test("as a curve are the same as value by value", () => {
    for (const voi of [windowed(400, 40), windowed(1, 3), windowed(80, 40, "LINEAR_EXACT")]) {
      const curve = curveOf(voi);
      for (const value of [-300, 0, 2, 3, 40, 61, 500]) {
        expect(curveAt(curve, value)).toBeCloseTo(greyOf(value, voi), 9);
      }
    }
  });

  test("over stored values follow a slope that falls", () => {
    const stored = overStored(curveOf(windowed(101, 50.5)), -2, 100);
    expect(stored[0]?.[0]).toBeLessThan(stored[1]?.[0] as number);
    expect(curveAt(stored, 50)).toBe(0);
    expect(curveAt(stored, 0)).toBe(1);
    expect(curveAt(stored, 25)).toBeCloseTo(0.5, 9);
  });
});

test("a curve made quick for pixels says the same", () => {
  const curve = curveOf(windowed(300, 40, "SIGMOID"));
  const shade = shaderOf(curve);
  for (const value of [-9999, -560, 40, 41.5, 300, 9999])
    expect(shade(value)).toBeCloseTo(curveAt(curve, value), 12);
});

describe("tables", () => {
  test("clamp at their ends and spread their bits", () => {
    const found = tableOf(table(10, 12, [0, 2048, 4095]), false);
    expect(found).not.toBeNull();
    const voi: Voi = { kind: "table", table: found as NonNullable<typeof found> };
    expect([9, 10, 11, 12, 90].map((value) => greyOf(value, voi))).toEqual([0, 0, 2048 / 4095, 1, 1]);
  });

  test("may begin below zero, come as bytes in words or as base64, and 0 entries are 65,536", () => {
    expect(tableOf(table(0xfff6, 8, [1, 2]), true)?.first).toBe(-10);
    expect(tableOf(table(0xfff6, 8, [1, 2]), false)?.first).toBe(0xfff6);
    const packed = { ...table(0, 8, [0x0201, 0x0403]), [TAG.tableDescriptor]: { vr: "US", Value: [4, 0, 8] } };
    expect(tableOf(packed, false)?.values).toEqual([1, 2, 3, 4]);
    const binary = { ...table(0, 16, [1, 2]), [TAG.tableData]: { vr: "OW", InlineBinary: "AQACAQ==" } };
    expect(tableOf(binary, false)?.values).toEqual([1, 258]);
    expect(tableOf({ ...packed, [TAG.tableDescriptor]: { vr: "US", Value: [0, 0, 8] } }, false)).toBeNull();
  });

  test("of the modality and a window become one curve over stored values", () => {
    const found = tableOf(table(0, 12, [400, 300, 200, 100]), false);
    const curve = curveThrough(found as NonNullable<typeof found>, windowed(301, 250.5));
    expect(curve.map(([stored]) => stored)).toEqual([0, 1, 2, 3]);
    expect(curve.map(([, grey]) => grey)).toEqual([1, 2 / 3, 1 / 3, 0]);
  });
});

describe("padding", () => {
  test("is black where the window would make it bright, and nothing else changes", () => {
    const film = invertedCurve(curveOf(windowed(1000, 700)));
    const drawn = withoutPadding(film, [0, 0]);
    expect(curveAt(drawn, 0)).toBe(0);
    expect(curveAt(drawn, 1)).toBeCloseTo(curveAt(film, 1), 6);
    expect(drawn.every(([x], i) => i === 0 || x >= (drawn[i - 1]?.[0] as number))).toBe(true);
  });

  test("leaves a curve alone that is black there already", () => {
    const curve = curveOf(windowed(400, 40));
    expect(withoutPadding(curve, [-2000, -2000])).toBe(curve);
  });
});

describe("the header", () => {
  const enhanced: DicomJson = {
    [TAG.modality]: text("CT"),
    [TAG.rescaleSlope]: number(7),
    "52009229": sequence({
      "00289145": sequence({ [TAG.rescaleSlope]: number(2), [TAG.rescaleIntercept]: number(-1) }),
    }),
    "52009230": sequence(
      { "00289132": sequence({ [TAG.windowCentre]: number(10), [TAG.windowWidth]: number(20) }) },
      {
        "00289132": sequence({
          [TAG.windowCentre]: number(30),
          [TAG.windowWidth]: number(40),
          [TAG.voiFunction]: text("SIGMOID"),
        }),
        "00289145": sequence({ [TAG.rescaleSlope]: number(3), [TAG.rescaleIntercept]: number(-5) }),
      },
    ),
  };

  test("of an enhanced image is read frame by frame: own group, shared group, header", () => {
    expect(greyScaleOf(of(enhanced, 1))).toMatchObject({ slope: 2, intercept: -1, unit: "HU" });
    expect(greyScaleOf(of(enhanced, 2))).toMatchObject({ slope: 3, intercept: -5 });
    expect(greyScaleOf(of(enhanced, 3))).toMatchObject({ slope: 2, intercept: -1, vois: [] });
    expect(greyScaleOf(of(enhanced, 2)).vois[0]?.voi).toEqual(windowed(40, 30, "SIGMOID"));
    expect(numbersOf(of(enhanced, 2), TAG.rescaleSlope)).toEqual([7]);
  });

  test("offers its table before its windows, each by its name, and no impossible window", () => {
    const { vois } = greyScaleOf(
      of({
        [TAG.windowCentre]: number(50, 60, 70),
        [TAG.windowWidth]: number(100, 0, 200),
        [TAG.windowExplanation]: text("NORMAL", "BROKEN", "HARDER"),
        [TAG.voiTables]: sequence({ ...table(0, 8, [0, 255]), [TAG.tableExplanation]: text("FILM") }),
      }),
    );
    expect(vois.map(({ name }) => name)).toEqual(["FILM", "NORMAL", "HARDER"]);
  });

  test("tells padding as the pixels hold it, whatever sign the file gave it", () => {
    const header = (representation: number, padding: number) =>
      of({ [TAG.pixelRepresentation]: number(representation), [TAG.paddingValue]: number(padding) });
    expect(greyScaleOf(header(1, 63536)).padding).toEqual([-2000, -2000]);
    expect(greyScaleOf(header(0, -1)).padding).toEqual([65535, 65535]);
    const range = { ...header(0, 0).header, [TAG.paddingLimit]: number(10) };
    expect(greyScaleOf(of(range)).padding).toEqual([0, 10]);
  });

  test("gives the proportions of a pixel by spacing, detector spacing or aspect ratio", () => {
    expect(spacingOf(of({ [TAG.pixelSpacing]: number(0.6, 0.3), [TAG.pixelAspectRatio]: number(9, 1) }))).toEqual([
      0.6, 0.3,
    ]);
    expect(spacingOf(of({ [TAG.imagerPixelSpacing]: number(0.2, 0.1) }))).toEqual([0.2, 0.1]);
    expect(spacingOf(of({ [TAG.pixelAspectRatio]: number(4, 3) }))).toEqual([4 / 3, 1]);
    expect(spacingOf(of({}))).toEqual([1, 1]);
  });
});
