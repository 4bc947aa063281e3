/** The browser's memory for decoded frames: one limit for all series, those least recently used go first. */
import { DecodePool } from "./decode-pool";
import { fetchFrame, isRaw } from "./frame-bytes";
import { type FrameSource, FrameStore, type Listener } from "./frame-store";
import { headerOf } from "./header";
import { imageOf } from "./image";
import { imageFormatOf } from "./image-format";

const GIB = 2 ** 30;

/** Bytes for all decoded frames: an eighth of the machine's memory as far as the browser tells it, at most 1 GiB. */
export function memoryLimit(): number {
  const told = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory ?? 4;
  return Math.min(GIB, Math.max(GIB / 4, (told * GIB) / 8));
}

const pool = new DecodePool(
  () => new Worker(new URL("./decode-worker.ts", import.meta.url), { type: "module" }),
  Math.max(1, Math.min(4, Math.floor((globalThis.navigator?.hardwareConcurrency ?? 2) / 2))),
);

/** Before the first frame is known: its decoder starts while the case is still on its way. */
export const startDecoding = () => pool.warm();

const fromServer: FrameSource = {
  async read(imageId, isUrgent) {
    const header = headerOf(imageId);
    if (!header) throw new Error("The frame's header is missing");
    const { bytes, transferSyntax } = await fetchFrame(imageId, isUrgent());
    const samples = isRaw(transferSyntax) ? bytes : await pool.decode(imageId, bytes, transferSyntax, isUrgent());
    return imageOf(samples, imageFormatOf(header));
  },
  hurry: (imageId) => pool.hurry(imageId),
};

/** All decoded frames of this page. */
export const frameStore = new FrameStore(fromServer, memoryLimit());

/** What a series may keep of it. */
export interface FrameMemory {
  /** Bytes that one series may take. */
  readonly share: number;
  /** Load a frame, or find that it is here; its bytes. */
  load(imageId: string): Promise<number>;
  drop(imageId: string): void;
  /** Told of every frame that leaves; ends with the function that is returned. */
  onDropped(listener: Listener): () => void;
}

/** Frames that are kept whatever their size. */
export const LEAST = 8;

/** How many frames of a size one series may keep. */
export function framesWithin(share: number, bytesOfFrame: number): number {
  return Math.max(LEAST, Math.floor(share / bytesOfFrame));
}

/** How many frames of a series are kept loaded, going by the size of one that is here. */
export function framesKept(count: number, imageId: string): number {
  const bytes = frameStore.get(imageId)?.values.byteLength;
  return bytes ? Math.min(count, framesWithin(frameMemory.share, bytes)) : count;
}

const shareOf = (part: number): FrameMemory => ({
  share: frameStore.limit * part,
  load: async (imageId) => (await frameStore.load(imageId)).values.byteLength,
  drop: (imageId) => frameStore.drop(imageId),
  onDropped: (listener) => frameStore.onDropped(listener),
});

/** For the case that is read: the rest is for the cases before and after it. */
export const frameMemory = shareOf(0.6);

/** For views beside that of the case: theirs is a smaller share. */
export const memoryBeside = shareOf(0.1);
