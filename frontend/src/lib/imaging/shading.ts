/** From stored values to what is drawn: modality transformation, window or table, inversion and black padding in one. */
import { type GreyScale, modalityValue } from "./grey-scale";
import type { Image, StoredValues } from "./image";
import { greyOf, isSameVoi, type Voi } from "./voi";

/** All that decides how a stored value is drawn. */
export interface Shading {
  scale: GreyScale;
  voi: Voi;
  inverted: boolean;
}

/** Grey from 0 (black) to 1 (white) of a stored value, or of one between two. */
export function greyIn({ scale, voi, inverted }: Shading, stored: number): number {
  const { padding, lowestIsWhite } = scale;
  if (padding && stored >= padding[0] && stored <= padding[1]) return 0;
  const grey = greyOf(modalityValue(scale, stored), voi);
  return lowestIsWhite !== inverted ? 1 - grey : grey;
}

export function isSameShading(one: Shading, other: Shading): boolean {
  const [p, q] = [one.scale, other.scale];
  return (
    one.inverted === other.inverted &&
    isSameVoi(one.voi, other.voi) &&
    (p === q ||
      (p.slope === q.slope &&
        p.intercept === q.intercept &&
        p.lowestIsWhite === q.lowestIsWhite &&
        p.modalityTable === q.modalityTable &&
        p.padding?.[0] === q.padding?.[0] &&
        p.padding?.[1] === q.padding?.[1]))
  );
}

/** What a canvas draws for every value that a type of samples can hold: `words[value - lowest]`, opaque grey. */
export interface GreyTable {
  lowest: number;
  words: Uint32Array;
}

function spanOf(values: StoredValues): [number, number] {
  if (values instanceof Uint8Array) return [0, 0xff];
  if (values instanceof Int8Array) return [-0x80, 0x7f];
  return values instanceof Uint16Array ? [0, 0xffff] : [-0x8000, 0x7fff];
}

const OPAQUE = 0xff000000;

export function greyTable(shading: Shading, values: StoredValues): GreyTable {
  const [lowest, highest] = spanOf(values);
  const words = new Uint32Array(highest - lowest + 1);
  for (let at = 0; at < words.length; at++)
    words[at] = OPAQUE | (Math.round(greyIn(shading, lowest + at) * 255) * 0x010101);
  return { lowest, words };
}

/** The image as a canvas has it, one word a pixel: red in the lowest byte, as on every processor that browsers run on. */
export function paint({ values, parts }: Image, { lowest, words }: GreyTable, pixels: Uint32Array): void {
  if (parts === 1) {
    for (let at = 0; at < pixels.length; at++) pixels[at] = words[(values[at] as number) - lowest] as number;
    return;
  }
  const shade = (at: number) => (words[(values[at] as number) - lowest] as number) & 0xff;
  for (let at = 0, from = 0; at < pixels.length; at++, from += parts)
    pixels[at] = OPAQUE | (shade(from + 2) << 16) | (shade(from + 1) << 8) | shade(from);
}

/** The same made smaller: each pixel is the mean of `factor` by `factor` of the image's, fewer at its last edges. */
export function paintReduced(
  image: Image,
  { lowest, words }: GreyTable,
  factor: number,
  pixels: Uint32Array,
): void {
  const { values, parts, columns, rows } = image;
  const across = Math.ceil(columns / factor);
  const sums = new Uint32Array(across * parts);
  for (let top = 0, to = 0; top < rows; top += factor) {
    sums.fill(0);
    const tall = Math.min(factor, rows - top);
    for (let row = top; row < top + tall; row++) {
      let from = row * columns * parts;
      for (let x = 0; x < across; x++) {
        const wide = Math.min(factor, columns - x * factor);
        for (let i = 0; i < wide; i++)
          for (let part = 0; part < parts; part++, from++)
            (sums[x * parts + part] as number) += (words[(values[from] as number) - lowest] as number) & 0xff;
      }
    }
    for (let x = 0; x < across; x++, to++) {
      const count = tall * Math.min(factor, columns - x * factor);
      const mean = (part: number) => Math.round((sums[x * parts + part] as number) / count);
      pixels[to] =
        parts === 1 ? OPAQUE | (mean(0) * 0x010101) : OPAQUE | (mean(2) << 16) | (mean(1) << 8) | mean(0);
    }
  }
}
