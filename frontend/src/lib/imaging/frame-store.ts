/** Decoded frames by their address, within a limit of bytes: those least recently used go first. */
import type { Image } from "./image";

/** Where frames come from. */
export interface FrameSource {
  /** Fetch and decode; rejects with the reason. */
  read(imageId: string, isUrgent: () => boolean): Promise<Image>;
  /** A person waits now for what was read ahead. */
  hurry(imageId: string): void;
}

export type Listener = (imageId: string) => void;

export class FrameStore {
  /** Least recently used first. */
  private readonly images = new Map<string, Image>();
  private readonly coming = new Map<string, Promise<Image>>();
  private readonly urgent = new Set<string>();
  private readonly listeners = new Set<Listener>();
  private bytes = 0;
  readonly limit: number;
  private readonly source: FrameSource;

  constructor(source: FrameSource, limit: number) {
    this.source = source;
    this.limit = limit;
  }

  /** null while the frame is not here. */
  get(imageId: string): Image | null {
    const image = this.images.get(imageId);
    if (!image) return null;
    this.images.delete(imageId);
    this.images.set(imageId, image);
    return image;
  }

  /** Load a frame, or find that it is here. What is on its way already is not asked for twice. */
  load(imageId: string, urgent = false): Promise<Image> {
    const here = this.get(imageId);
    if (here) return Promise.resolve(here);
    if (urgent) this.urgent.add(imageId);
    const coming = this.coming.get(imageId);
    if (coming) {
      if (urgent) this.source.hurry(imageId);
      return coming;
    }
    const asked = this.source
      .read(imageId, () => this.urgent.has(imageId))
      .then((image) => {
        this.keep(imageId, image);
        return image;
      })
      .finally(() => {
        this.coming.delete(imageId);
        this.urgent.delete(imageId);
      });
    this.coming.set(imageId, asked);
    return asked;
  }

  drop(imageId: string): void {
    const image = this.images.get(imageId);
    if (!image) return;
    this.images.delete(imageId);
    this.bytes -= image.values.byteLength;
    for (const listener of this.listeners) listener(imageId);
  }

  onDropped(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private keep(imageId: string, image: Image): void {
    this.images.set(imageId, image);
    this.bytes += image.values.byteLength;
    for (const oldest of this.images.keys()) {
      if (this.bytes <= this.limit || oldest === imageId) return;
      this.drop(oldest);
    }
  }
}
