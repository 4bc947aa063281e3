import { describe, expect, test } from "vitest";
import { greyScaleOf, tableOf } from "./grey-scale";
import { type DicomJson, numbersOf, TAG } from "./header";
import { spacingOf } from "./spacing";
import { greyOf, isSameVoi, type Voi } from "./voi";

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
  });

  test("are the same by width, centre and function, LINEAR where none is named", () => {
    expect(isSameVoi(windowed(80, 40), windowed(80, 40, "LINEAR"))).toBe(true);
    expect(isSameVoi(windowed(80, 40), windowed(80, 40, "SIGMOID"))).toBe(false);
    expect(isSameVoi(windowed(80, 40), windowed(81, 40))).toBe(false);
  });
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
