/** The browser's memory for decoded frames: one limit for all series, those least recently used go first. */
import { cache, Enums, eventTarget, imageLoader } from "@cornerstonejs/core";

const GIB = 2 ** 30;

/** Bytes for all decoded frames: an eighth of the machine's memory as far as the browser tells it, at most 1 GiB. */
export function memoryLimit(): number {
  const told = (navigator as { deviceMemory?: number }).deviceMemory ?? 4;
  return Math.min(GIB, Math.max(GIB / 4, (told * GIB) / 8));
}

export interface FrameMemory {
  /** Bytes that one series may take. */
  readonly share: number;
  /** Load a frame, or find that it is here; its bytes. */
  load(imageId: string): Promise<number>;
  drop(imageId: string): void;
  /** Told of every frame that leaves; ends with the function that is returned. */
  onDropped(listener: (imageId: string) => void): () => void;
}

/** What one series may take: the rest is for the cases before and after it. */
const SHARE = 0.6;

/** Frames that are kept whatever their size. */
export const LEAST = 8;

/** How many frames of a size one series may keep. */
export function framesWithin(share: number, bytesOfFrame: number): number {
  return Math.max(LEAST, Math.floor(share / bytesOfFrame));
}

/** How many frames of a series are kept loaded, going by the size of one that is here. */
export function framesKept(count: number, imageId: string): number {
  const bytes = cache.getImage(imageId)?.sizeInBytes;
  return bytes ? Math.min(count, framesWithin(frameMemory.share, bytes)) : count;
}

export const frameMemory: FrameMemory = {
  get share() {
    return cache.getMaxCacheSize() * SHARE;
  },
  async load(imageId) {
    const options = { requestType: Enums.RequestType.Prefetch, priority: 0 };
    return (await imageLoader.loadAndCacheImage(imageId, options)).sizeInBytes;
  },
  drop(imageId) {
    if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId);
  },
  onDropped(listener) {
    const heard = (event: Event) => listener((event as CustomEvent<{ imageId: string }>).detail.imageId);
    eventTarget.addEventListener(Enums.Events.IMAGE_CACHE_IMAGE_REMOVED, heard);
    return () => eventTarget.removeEventListener(Enums.Events.IMAGE_CACHE_IMAGE_REMOVED, heard);
  },
};

/** What a series beside the case may take. */
const SHARE_BESIDE = 0.1;

/** For views beside that of the case: theirs is a smaller share. */
export const memoryBeside: FrameMemory = {
  get share() {
    return cache.getMaxCacheSize() * SHARE_BESIDE;
  },
  load: frameMemory.load,
  drop: frameMemory.drop,
  onDropped: frameMemory.onDropped,
};
