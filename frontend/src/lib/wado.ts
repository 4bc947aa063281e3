/** What is asked of a series by WADO-RS before and beside the viewer: its headers, and single frames ahead of time. */
import type { Room } from "@/lib/api-types";
import { FRAME_TYPE } from "@/lib/imaging/frame-bytes";

type Series = Room["series"];
export type DicomJson = Record<string, { vr: string; Value?: unknown[] }>;

export function seriesRoot(series: Series): string {
  return `${series.wado_root}/studies/${series.study_instance_uid}/series/${series.series_instance_uid}`;
}

type Instance = Pick<Series["instances"][number], "sop_instance_uid" | "pixels">;

/** Where a frame is, below its series; with the name of its pixels, so that the browser may keep it for good. */
export function frameOf(instance: Instance, frame: number): string {
  return `instances/${instance.sop_instance_uid}/frames/${frame}?pixels=${instance.pixels}`;
}

/** Headers that this page has asked for. */
const fetched = new Set<string>();

/** Of a series; of one instance where the series, as far as it is the case, has but one. */
function headersUrl(series: Series): string {
  const [only] = series.instances;
  const root = seriesRoot(series);
  if (series.instances.length !== 1 || !only) return `${root}/metadata`;
  return `${root}/instances/${only.sop_instance_uid}/metadata`;
}

export const hasHeaders = (series: Series): boolean => fetched.has(headersUrl(series));

export async function fetchHeaders(series: Series, signal?: AbortSignal): Promise<DicomJson[]> {
  const url = headersUrl(series);
  const init: RequestInit = { headers: { Accept: "application/dicom+json" }, credentials: "same-origin" };
  if (signal) init.signal = signal;
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const headers = (await response.json()) as DicomJson[];
  fetched.add(url);
  return headers;
}

/** Put a frame into the browser's cache. */
export async function fetchFrameAhead(series: Series, instance: Instance, frame: number): Promise<void> {
  const url = `${seriesRoot(series)}/${frameOf(instance, frame)}`;
  const response = await fetch(url, { headers: { Accept: FRAME_TYPE }, credentials: "same-origin" });
  await response.arrayBuffer();
}
