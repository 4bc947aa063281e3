/** A case's frames in reading order, as Cornerstone names them, with their headers registered. */
import { metaData } from "@cornerstonejs/core";
import { wadors } from "@cornerstonejs/dicom-image-loader";
import type { Room } from "@/lib/api-types";
import { type DicomJson, fetchHeaders, seriesRoot } from "@/lib/wado";
import type { Point3 } from "./coordinates";

export interface FrameRef {
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
      imageId: `wadors:${root}/instances/${instance.sop_instance_uid}/frames/${i + 1}`,
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

/** Fetch the headers and give them to Cornerstone; without them no frame can be decoded. */
export async function registerHeaders(series: Series, { signal, begun }: HeaderSource = {}): Promise<FrameRef[]> {
  const known = framesOf(series);
  if (known.every(({ imageId }) => wadors.metaDataManager.get(imageId))) return known;
  const headers = new Map<string, DicomJson>();
  for (const header of (await begun?.()) ?? (await fetchHeaders(series, signal))) {
    const uid = header[SOP_INSTANCE_UID]?.Value?.[0];
    if (typeof uid === "string") headers.set(uid, header);
  }
  for (const { imageId, sop } of known) {
    const header = headers.get(sop);
    if (!header) throw new Error(`The header of instance ${sop} is missing`);
    wadors.metaDataManager.add(imageId, header as never);
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
  const plane = metaData.get("imagePlaneModule", frame.imageId) as
    | {
        imageOrientationPatient?: number[] | null;
        imagePositionPatient?: number[] | null;
        usingDefaultValues?: boolean;
      }
    | undefined;
  const header = wadors.metaDataManager.get(frame.imageId) as DicomJson | undefined;
  const given = (header?.["00200020"]?.Value ?? []) as string[];
  const letters: [string, string] | null = given.length === 2 ? [given[0] as string, given[1] as string] : null;
  const cosines = hasOrientation(header) ? plane?.imageOrientationPatient?.map(Number) : undefined;
  if (cosines?.length !== 6) return { alongRow: null, downColumn: null, position: null, letters };
  const position = plane?.imagePositionPatient?.map(Number);
  return {
    alongRow: cosines.slice(0, 3) as Point3,
    downColumn: cosines.slice(3, 6) as Point3,
    position: position?.length === 3 ? (position as Point3) : null,
    letters,
  };
}

/** Cornerstone makes up an orientation where there is none; letters at the edges must not. */
function hasOrientation(header: DicomJson | undefined): boolean {
  // In an enhanced multi-frame image it stands in the functional groups.
  return Boolean(header?.["00200037"] ?? header?.["52009229"] ?? header?.["52009230"]);
}

/** WindowCenter and WindowWidth of the header, when it has them. */
export function headerWindow(frame: FrameRef): { width: number; centre: number } | null {
  const voi = metaData.get("voiLutModule", frame.imageId) as
    | { windowCenter?: number | number[]; windowWidth?: number | number[] }
    | undefined;
  const first = (value: number | number[] | undefined) => Number(Array.isArray(value) ? value[0] : value);
  const [centre, width] = [first(voi?.windowCenter), first(voi?.windowWidth)];
  return Number.isFinite(centre) && Number.isFinite(width) && width > 0 ? { width, centre } : null;
}
