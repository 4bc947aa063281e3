/**
 * Uploading in pieces that can be interrupted: each piece says where it begins, and the server answers how much it
 * holds. Where the two differ (409), the server is right and the upload goes on from there.
 */
import { ApiError } from "@/lib/api-client";

export const CHUNK = 8 * 1024 * 1024;
const LONGEST_WAIT = 30_000;

export interface UploadPart {
  /** Send `piece` as the bytes from `offset` on; answers how many bytes the server holds. */
  put: (offset: number, piece: Blob, signal: AbortSignal) => Promise<number>;
  /** Told after every piece: bytes the server holds. */
  onReceived: (received: number) => void;
  signal: AbortSignal;
  /** Between two tries when the network fails; tests make it short. */
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Send the rest of a file of which the server holds `received` bytes. Throws for a refusal and when aborted. */
export async function uploadFile(file: Blob, received: number, part: UploadPart): Promise<void> {
  const wait = part.wait ?? pause;
  let offset = received;
  let failures = 0;
  // An empty file still needs its one (empty) piece, so that the server knows it is complete.
  let isFirst = file.size === 0;
  while (offset < file.size || isFirst) {
    part.signal.throwIfAborted();
    try {
      const held = await part.put(offset, file.slice(offset, offset + CHUNK), part.signal);
      if (held <= offset && file.size > 0) throw new Error(`The server took nothing at byte ${offset}`);
      offset = held;
      failures = 0;
    } catch (error) {
      part.signal.throwIfAborted();
      const held = heldBytes(error);
      if (held !== null && held !== offset) {
        offset = held;
      } else if (isPassing(error)) {
        failures += 1;
        await wait(Math.min(LONGEST_WAIT, 500 * 2 ** failures), part.signal);
      } else {
        throw error;
      }
    }
    isFirst = false;
    part.onReceived(offset);
  }
}

/** What the server holds, from its 409; null for any other error. */
export function heldBytes(error: unknown): number | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null;
  const body = error.body as { received?: unknown } | null;
  return typeof body?.received === "number" ? body.received : null;
}

/** Errors that pass by themselves: no network, a server that restarts, too many requests. */
function isPassing(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 429 || error.status >= 502;
  return error instanceof TypeError;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        failed(signal.reason);
      },
      { once: true },
    );
  });
}

/** Run `work` on every item, at most `width` at a time; the first failure stops the rest. */
export async function inParallel<T>(items: T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
