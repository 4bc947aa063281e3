/** What a frame's header says: DICOM JSON (PS3.18 F), with the functional groups of enhanced multi-frame images. */

export interface DicomElement {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
}
export type DicomJson = Record<string, DicomElement | undefined>;

/** A header and the DICOM number (from 1) of the frame that is asked about. */
export interface FrameHeader {
  header: DicomJson;
  frame: number;
}

export const TAG = {
  modality: "00080060",
  photometric: "00280004",
  samplesPerPixel: "00280002",
  numberOfFrames: "00280008",
  rows: "00280010",
  columns: "00280011",
  bitsAllocated: "00280100",
  pixelRepresentation: "00280103",
  bitsStored: "00280101",
  pixelSpacing: "00280030",
  imagerPixelSpacing: "00181164",
  pixelAspectRatio: "00280034",
  paddingValue: "00280120",
  paddingLimit: "00280121",
  windowCentre: "00281050",
  windowWidth: "00281051",
  windowExplanation: "00281055",
  voiFunction: "00281056",
  rescaleIntercept: "00281052",
  rescaleSlope: "00281053",
  rescaleType: "00281054",
  modalityTables: "00283000",
  voiTables: "00283010",
  tableDescriptor: "00283002",
  tableExplanation: "00283003",
  tableData: "00283006",
  frameTime: "00181063",
  cineRate: "00180040",
  displayFrameRate: "00082144",
  position: "00200032",
  orientation: "00200037",
  patientOrientation: "00200020",
  laterality: "00200060",
  imageLaterality: "00200062",
  viewPosition: "00185101",
  viewCodes: "00540220",
  viewModifierCodes: "00540222",
  codeMeaning: "00080104",
} as const;

/** Functional group macros (PS3.3 C.7.6.16) in which an enhanced image keeps these per frame. */
export const MACRO = {
  pixelMeasures: "00289110",
  planePosition: "00209113",
  planeOrientation: "00209116",
  frameVoi: "00289132",
  pixelValueTransformation: "00289145",
  frameAnatomy: "00209071",
} as const;

const SHARED_GROUPS = "52009229";
const PER_FRAME_GROUPS = "52009230";

const known = new Map<string, FrameHeader>();

export function rememberHeader(imageId: string, header: DicomJson, frame: number): void {
  known.set(imageId, { header, frame });
}

export function headerOf(imageId: string): FrameHeader | undefined {
  return known.get(imageId);
}

export function valuesOf(header: DicomJson | undefined, tag: string): unknown[] {
  return header?.[tag]?.Value ?? [];
}

export function textOf(of: FrameHeader, tag: string, macro?: string): string {
  for (const source of sources(of, macro)) {
    const [first] = valuesOf(source, tag);
    if (typeof first === "string" && first.trim()) return first.trim();
  }
  return "";
}

/** All values of an attribute that are numbers: of the frame's functional group where it has one, else the header's. */
export function numbersOf(of: FrameHeader, tag: string, macro?: string): number[] {
  for (const source of sources(of, macro)) {
    const values = valuesOf(source, tag).map(Number);
    if (values.length > 0 && values.every(Number.isFinite)) return values;
  }
  return [];
}

/** The items of a sequence. */
export function itemsOf(of: FrameHeader, tag: string, macro?: string): DicomJson[] {
  for (const source of sources(of, macro)) {
    const items = valuesOf(source, tag).filter(
      (item): item is DicomJson => typeof item === "object" && item !== null,
    );
    if (items.length > 0) return items;
  }
  return [];
}

function sources({ header, frame }: FrameHeader, macro: string | undefined): DicomJson[] {
  if (!macro) return [header];
  const own = valuesOf(header, PER_FRAME_GROUPS)[frame - 1] as DicomJson | undefined;
  const shared = valuesOf(header, SHARED_GROUPS)[0] as DicomJson | undefined;
  const items = [own, shared].map((group) => valuesOf(group, macro)[0] as DicomJson | undefined);
  return [...items.filter((item) => item !== undefined), header];
}

/** The numbers of an OW or US element. */
export function wordsOf(element: DicomElement | undefined): number[] {
  if (element?.Value) return element.Value.map(Number);
  if (!element?.InlineBinary) return [];
  const bytes = Uint8Array.from(atob(element.InlineBinary), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length >> 1 }, (_, i) => view.getUint16(2 * i, true));
}
