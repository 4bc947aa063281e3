/**
 * Opens a case while the room's own code is still on its way: the reading, then the headers and the frame that will be
 * shown first. What is begun here is taken over by the room; a failure is the room's to meet, by asking again.
 */
import type { Room } from "@/lib/api-types";
import { type DicomJson, fetchFrameAhead, fetchHeaders, hasHeaders } from "@/lib/wado";
import { openCase } from "../api/reading-api";
import { type OpenedRoom, openForReview } from "./review-room";

interface Opening {
  path: string;
  room: Promise<OpenedRoom>;
  headers: Promise<DicomJson[] | undefined>;
}

let begun: Opening | null = null;

/** `review`: the reading of another person that is looked at, null where the case is opened to be read. */
export function beginOpening(slug: string, caseId: string, review: string | null = null): void {
  const room = ask(slug, caseId, review);
  const headers = room.then(({ series }) => (hasHeaders(series) ? undefined : fetchHeaders(series)));
  begun = { path: pathOf(slug, caseId, review), room, headers };
  headers.catch(() => undefined);
  room.then(firstFrameAhead).catch(() => undefined);
}

/** The case that was begun to be opened; a second call asks the server again. */
export function openedCase(slug: string, caseId: string, review: string | null = null): Promise<OpenedRoom> {
  if (begun?.path !== pathOf(slug, caseId, review)) return ask(slug, caseId, review);
  const { room } = begun;
  begun.path = "";
  return room;
}

const pathOf = (slug: string, caseId: string, review: string | null) => `${slug}/${caseId}/${review ?? ""}`;

function ask(slug: string, caseId: string, review: string | null): Promise<OpenedRoom> {
  return review === null ? openCase(slug, caseId) : openForReview(slug, caseId, review);
}

/** The headers that were begun to be fetched for this very room. */
export async function headersBegun(room: Room): Promise<DicomJson[] | undefined> {
  const opening = begun;
  if (!opening || (await opening.room.catch(() => null)) !== room) return undefined;
  return opening.headers.catch(() => undefined);
}

/** Where a room without marks opens: at the slice that it is told to begin at, else in the middle. */
export function firstIndexOf({ begin_at: told }: Pick<Room, "begin_at">, total: number): number {
  return told !== null && told <= total ? told - 1 : Math.floor((total - 1) / 2);
}

/** The frame that a room shows first: that of its first mark, else where it is told to begin. */
export function firstFrameOf({ series, reading, begin_at }: Room): { sop: string; frame: number } | undefined {
  const frames = series.instances.flatMap(({ sop_instance_uid, number_of_frames }) =>
    Array.from({ length: number_of_frames }, (_, i) => ({ sop: sop_instance_uid, frame: i + 1 })),
  );
  const [mark] = reading.lesions;
  const marked = frames.find(({ sop, frame }) => sop === mark?.sop_instance_uid && frame === mark.frame);
  return marked ?? frames[firstIndexOf({ begin_at }, frames.length)];
}

async function firstFrameAhead(room: Room): Promise<void> {
  const first = firstFrameOf(room);
  const instance = room.series.instances.find((one) => one.sop_instance_uid === first?.sop);
  if (first && instance) await fetchFrameAhead(room.series, instance, first.frame);
}
