import { describe, expect, test } from "vitest";
import { NO_SCALE } from "./grey-scale";
import type { Image } from "./image";
import { greyIn, greyTable, isSameShading, paint, paintReduced, type Shading } from "./shading";
import { greyOf, type Voi } from "./voi";

const WINDOW: Voi = { kind: "window", window: { width: 400, centre: 40 } };
const shading = (change: Partial<Shading> = {}, scale: Partial<Shading["scale"]> = {}): Shading => ({
  voi: WINDOW,
  inverted: false,
  ...change,
  scale: { ...NO_SCALE, slope: 1, intercept: -1024, ...scale },
});

describe("the grey of a stored value", () => {
  test("is the window's of its modality value, exactly", () => {
    for (const stored of [0, 900, 1064, 1065, 4095])
      expect(greyIn(shading(), stored)).toBe(greyOf(stored - 1024, WINDOW));
  });

  test("is turned by MONOCHROME1 and by inversion, by both not at all", () => {
    const grey = greyIn(shading(), 1100);
    expect(greyIn(shading({ inverted: true }), 1100)).toBe(1 - grey);
    expect(greyIn(shading({}, { lowestIsWhite: true }), 1100)).toBe(1 - grey);
    expect(greyIn(shading({ inverted: true }, { lowestIsWhite: true }), 1100)).toBe(grey);
  });

  test("is black for padding, on films and inverted, too, and nowhere beside it", () => {
    const film = shading({}, { lowestIsWhite: true, padding: [0, 10] });
    expect([0, 5, 10].map((stored) => greyIn(film, stored))).toEqual([0, 0, 0]);
    expect(greyIn(film, 11)).toBe(1);
  });

  test("goes through a modality table before the window", () => {
    const modalityTable = { first: 0, bits: 12, values: [400, 300, 200, 100], name: "" };
    const voi: Voi = { kind: "window", window: { width: 301, centre: 250.5 } };
    const greys = [0, 1, 2, 3, 9].map((stored) => greyIn(shading({ voi }, { modalityTable }), stored));
    expect(greys).toEqual([1, 2 / 3, 1 / 3, 0, 0]);
  });
});

describe("a painted image", () => {
  const painted = (image: Image, by: Shading) => {
    const pixels = new Uint32Array(image.rows * image.columns);
    paint(image, greyTable(by, image.values), pixels);
    return [...new Uint8Array(pixels.buffer)];
  };

  test("has every value's grey, rounded, in all three colours, and is opaque", () => {
    const values = Int16Array.from([-1000, 0, 40, 41, 300, 32767]);
    const bytes = painted({ rows: 2, columns: 3, parts: 1, values }, shading({}, { intercept: 0 }));
    const due = [...values].flatMap((value) => {
      const grey = Math.round(greyOf(value, WINDOW) * 255);
      return [grey, grey, grey, 255];
    });
    expect(bytes).toEqual(due);
  });

  test("keeps the sign of bytes and the ends of words", () => {
    const whole: Voi = { kind: "window", window: { width: 255, centre: 0, curve: "LINEAR_EXACT" } };
    const bytes = painted(
      { rows: 1, columns: 2, parts: 1, values: Int8Array.from([-128, 127]) },
      shading({ voi: whole }, { intercept: 0 }),
    );
    expect([bytes[0], bytes[4]]).toEqual([0, 255]);
    const words: Voi = { kind: "window", window: { width: 65536, centre: 32768 } };
    const all = painted(
      { rows: 1, columns: 3, parts: 1, values: Uint16Array.from([0, 32768, 65535]) },
      shading({ voi: words }, { intercept: 0 }),
    );
    expect([all[0], all[4], all[8]]).toEqual([0, 128, 255]);
  });

  test("of colour has red, green and blue in their places", () => {
    const full: Voi = { kind: "window", window: { width: 255, centre: 127.5, curve: "LINEAR_EXACT" } };
    const values = Uint8Array.from([255, 0, 10, 1, 2, 3]);
    const colours = shading({ voi: full }, { intercept: 0 });
    expect(painted({ rows: 1, columns: 2, parts: 3, values }, colours)).toEqual([255, 0, 10, 255, 1, 2, 3, 255]);
    const inverse = painted({ rows: 1, columns: 2, parts: 3, values }, { ...colours, inverted: true });
    expect(inverse.slice(0, 4)).toEqual([0, 255, 245, 255]);
  });
});

test("two shadings are the same when they draw the same", () => {
  expect(
    isSameShading(
      shading(),
      shading({ voi: { kind: "window", window: { width: 400, centre: 40, curve: "LINEAR" } } }),
    ),
  ).toBe(true);
  expect(isSameShading(shading(), shading({ inverted: true }))).toBe(false);
  expect(isSameShading(shading(), shading({}, { slope: 2 }))).toBe(false);
  expect(isSameShading(shading(), shading({}, { padding: [0, 0] }))).toBe(false);
  expect(isSameShading(shading({}, { padding: [0, 0] }), shading({}, { padding: [0, 0] }))).toBe(true);
});

describe("an image made smaller", () => {
  const full: Voi = { kind: "window", window: { width: 255, centre: 127.5, curve: "LINEAR_EXACT" } };
  const plain = shading({ voi: full }, { intercept: 0 });
  const reduced = (image: Image, factor: number) => {
    const pixels = new Uint32Array(Math.ceil(image.rows / factor) * Math.ceil(image.columns / factor));
    paintReduced(image, greyTable(plain, image.values), factor, pixels);
    return [...new Uint8Array(pixels.buffer)];
  };

  test("has the means of its pixels' greys, at its last edges of those that are there", () => {
    const values = Uint8Array.from([0, 100, 7, 50, 50, 9, 10, 20, 200]);
    const bytes = reduced({ rows: 3, columns: 3, parts: 1, values }, 2);
    expect([0, 4, 8, 12].map((at) => bytes[at])).toEqual([50, 8, 15, 200]);
    expect(bytes[3]).toBe(255);
  });

  test("keeps its colours apart", () => {
    const values = Uint8Array.from([255, 0, 0, 0, 100, 0, 1, 0, 8, 0, 0, 0]);
    expect(reduced({ rows: 2, columns: 2, parts: 3, values }, 2)).toEqual([64, 25, 2, 255]);
  });
});
