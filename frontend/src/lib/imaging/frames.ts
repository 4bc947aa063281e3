/** A case's frames in reading order, each named by its address, with their headers registered. */
import type { Room } from "@/lib/api-types";
import { type DicomJson, fetchHeaders, frameOf, seriesRoot } from "@/lib/wado";
import type { Point3 } from "./coordinates";
import { headerOf, MACRO, numbersOf, rememberHeader, TAG, valuesOf } from "./header";

export interface FrameRef {
  /** Where WADO-RS has it: its name in all that this page keeps of it. */
  imageId: string;
  sop: string;
  /** DICOM's 1-based number inside the instance. */
  frame: number;
  rows: number;
  columns: number;
  /** Between rows first, between columns second; null where the header does not say. */
  spacing: [number, number] | null;
}

type Series = Room["series"];

const SOP_INSTANCE_UID = "00080018";

export function framesOf(series: Series, origin: string = window.location.origin): FrameRef[] {
  const root = `${origin}${seriesRoot(series)}`;
  return series.instances.flatMap((instance) =>
    Array.from({ length: instance.number_of_frames }, (_, i) => ({
      imageId: `${root}/${frameOf(instance, i + 1)}`,
      sop: instance.sop_instance_uid,
      frame: i + 1,
      rows: instance.rows,
      columns: instance.columns,
      spacing: instance.pixel_spacing,
    })),
  );
}

interface HeaderSource {
  signal?: AbortSignal;
  /** Headers that are on their way already, if they are. */
  begun?: () => Promise<DicomJson[] | undefined>;
}

/** Fetch the headers and keep them; without them no frame can be decoded. */
export async function registerHeaders(series: Series, { signal, begun }: HeaderSource = {}): Promise<FrameRef[]> {
  const known = framesOf(series);
  if (known.every(({ imageId }) => headerOf(imageId))) return known;
  const received = (await begun?.()) ?? (await fetchHeaders(series, signal));
  // Someone else may have waited for the same ones.
  if (known.every(({ imageId }) => headerOf(imageId))) return known;
  const headers = new Map<string, DicomJson>();
  for (const header of received) {
    const uid = header[SOP_INSTANCE_UID]?.Value?.[0];
    if (typeof uid === "string") headers.set(uid, header);
  }
  for (const { imageId, sop, frame } of known) {
    const header = headers.get(sop);
    if (!header) throw new Error(`The header of instance ${sop} is missing`);
    rememberHeader(imageId, header, frame);
  }
  return known;
}

export interface FramePlacement {
  /** Unit vectors (LPS) along a row and down a column; null where the header gives no orientation. */
  alongRow: Point3 | null;
  downColumn: Point3 | null;
  position: Point3 | null;
  /** PatientOrientation letters of plain radiographs: where a row and a column point to. */
  letters: [string, string] | null;
}

/** How the frame lies in the patient, as far as its header tells. */
export function placementOf(frame: FrameRef): FramePlacement {
  const of = headerOf(frame.imageId);
  const given = valuesOf(of?.header, TAG.patientOrientation) as string[];
  const letters: [string, string] | null = given.length === 2 ? [given[0] as string, given[1] as string] : null;
  const cosines = of ? numbersOf(of, TAG.orientation, MACRO.planeOrientation) : [];
  if (!of || cosines.length !== 6) return { alongRow: null, downColumn: null, position: null, letters };
  const position = numbersOf(of, TAG.position, MACRO.planePosition);
  return {
    alongRow: cosines.slice(0, 3) as Point3,
    downColumn: cosines.slice(3, 6) as Point3,
    position: position.length === 3 ? (position as Point3) : null,
    letters,
  };
}
