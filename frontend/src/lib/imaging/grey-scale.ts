/** What a frame's header says of its grey values: modality transformation, padding, and the windows it brings. */
import {
  type DicomElement,
  type DicomJson,
  type FrameHeader,
  itemsOf,
  MACRO,
  numbersOf,
  TAG,
  textOf,
  valuesOf,
  wordsOf,
} from "./header";
import { type LookupTable, tableAt, type Voi, type VoiFunction } from "./voi";

export interface GreyScale {
  slope: number;
  intercept: number;
  /** Instead of slope and intercept. */
  modalityTable: LookupTable | null;
  /** MONOCHROME1: the lowest value is white. */
  lowestIsWhite: boolean;
  /** Stored values, inclusive, that are no image. */
  padding: [number, number] | null;
  /** The tables and windows of the header, in the order in which they are offered; the first is the one to begin with. */
  vois: { name: string; voi: Voi }[];
  /** "HU", "SUV"… as the header says; empty where it does not. */
  unit: string;
}

/** Of colour, and of what nothing is known. */
export const NO_SCALE: GreyScale = {
  slope: 1,
  intercept: 0,
  modalityTable: null,
  lowestIsWhite: false,
  padding: null,
  vois: [],
  unit: "",
};

/** What a stored value is in the modality's unit (PS3.3 C.11.1). */
export function modalityValue({ slope, intercept, modalityTable }: GreyScale, stored: number): number {
  return modalityTable ? tableAt(modalityTable, stored) : stored * slope + intercept;
}

const known = new WeakMap<FrameHeader, GreyScale>();

export function greyScaleOf(of: FrameHeader): GreyScale {
  const before = known.get(of);
  if (before) return before;
  const scale = readGreyScale(of);
  known.set(of, scale);
  return scale;
}

function readGreyScale(of: FrameHeader): GreyScale {
  if ((numbersOf(of, TAG.samplesPerPixel)[0] ?? 1) > 1) return NO_SCALE;
  const transformation = MACRO.pixelValueTransformation;
  const [slope = 1] = numbersOf(of, TAG.rescaleSlope, transformation);
  const [intercept = 0] = numbersOf(of, TAG.rescaleIntercept, transformation);
  const isSigned = numbersOf(of, TAG.pixelRepresentation)[0] === 1;
  const [modalityItem] = itemsOf(of, TAG.modalityTables);
  const modalityTable = modalityItem ? tableOf(modalityItem, isSigned) : null;
  const isSignedOutput = modalityTable === null && (isSigned || intercept < 0);
  return {
    slope: slope === 0 ? 1 : slope,
    intercept,
    modalityTable,
    lowestIsWhite: textOf(of, TAG.photometric) === "MONOCHROME1",
    padding: paddingOf(of, isSigned),
    vois: [...tablesOf(of, isSignedOutput), ...windowsOf(of)],
    unit: unitOf(of),
  };
}

function unitOf(of: FrameHeader): string {
  const type = textOf(of, TAG.rescaleType, MACRO.pixelValueTransformation);
  if (type === "HU" || (!type && textOf(of, TAG.modality) === "CT")) return "HU";
  return ["OD", "US", "UNSPECIFIED", "PIXELS"].includes(type.toUpperCase()) ? "" : type;
}

function paddingOf(of: FrameHeader, isSigned: boolean): [number, number] | null {
  const [value] = numbersOf(of, TAG.paddingValue).map((one) => signedWord(one, isSigned));
  if (value === undefined) return null;
  const [limit = value] = numbersOf(of, TAG.paddingLimit).map((one) => signedWord(one, isSigned));
  return [Math.min(value, limit), Math.max(value, limit)];
}

/** Files say US where SS is meant, and the other way round. */
function signedWord(value: number, isSigned: boolean): number {
  if (isSigned) return value > 0x7fff ? value - 0x10000 : value;
  return value < 0 ? value + 0x10000 : value;
}

function windowsOf(of: FrameHeader): GreyScale["vois"] {
  const centres = numbersOf(of, TAG.windowCentre, MACRO.frameVoi);
  const widths = numbersOf(of, TAG.windowWidth, MACRO.frameVoi);
  const named = textOf(of, TAG.voiFunction, MACRO.frameVoi);
  const curve: VoiFunction = named === "SIGMOID" || named === "LINEAR_EXACT" ? named : "LINEAR";
  const names = explanationsOf(of);
  return centres.flatMap((centre, i) => {
    const width = widths[i];
    if (width === undefined || width <= 0 || (curve === "LINEAR" && width < 1)) return [];
    return [{ name: names[i] ?? "", voi: { kind: "window" as const, window: { width, centre, curve } } }];
  });
}

function explanationsOf(of: FrameHeader): string[] {
  return valuesOf(of.header, TAG.windowExplanation).map((one) => (typeof one === "string" ? one : ""));
}

function tablesOf(of: FrameHeader, isSigned: boolean): GreyScale["vois"] {
  return itemsOf(of, TAG.voiTables, MACRO.frameVoi).flatMap((item) => {
    const table = tableOf(item, isSigned);
    return table ? [{ name: table.name, voi: { kind: "table" as const, table } }] : [];
  });
}

/** A table of the header (PS3.3 C.11.1.1 and C.11.2.1.1); null where it is damaged. */
export function tableOf(item: DicomJson, isSigned: boolean): LookupTable | null {
  const [entries, first, bits] = valuesOf(item, TAG.tableDescriptor).map(Number);
  const words = wordsOf(item[TAG.tableData] as DicomElement | undefined);
  if (entries === undefined || first === undefined || !bits || bits > 16 || words.length === 0) return null;
  const count = entries === 0 ? 0x10000 : entries < 0 ? entries + 0x10000 : entries;
  const values = words.length >= count ? words.slice(0, count) : bytesOf(words, count);
  if (values.length < count) return null;
  const [explanation] = valuesOf(item, TAG.tableExplanation);
  const name = typeof explanation === "string" ? explanation : "";
  return { first: signedWord(first, isSigned), bits, values, name };
}

/** Tables of 8 bits come packed, two entries in a word. */
function bytesOf(words: number[], count: number): number[] {
  if (words.length < Math.ceil(count / 2)) return [];
  return words.flatMap((word) => [word & 0xff, word >> 8]).slice(0, count);
}
