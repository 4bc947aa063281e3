/**
 * Loads a case's frames ahead, a few at a time: those next to the shown one first, and on the way that the reader goes
 * before those behind him. A series larger than its share of memory is kept around the shown frame, the rest is let go.
 */
import { type FrameMemory, frameMemory, framesWithin, LEAST } from "./frame-memory";

export type FrameState = "waiting" | "loaded" | "failed";

/** Browsers open six connections to a server; two stay free for what the reader asks for himself. */
const AT_ONCE = 4;
/** A frame behind the reader counts as this many times as far. */
const BEHIND = 3;

export class SeriesLoader {
  readonly states: FrameState[];
  private running = 0;
  private stopped = false;
  private centre = 0;
  private forward = true;
  private begun = false;
  private bytesOfFrame = 0;
  private readonly taken: boolean[];
  private readonly imageIds: string[];
  private readonly onChange: () => void;
  private readonly memory: FrameMemory;
  private readonly afterPaint: (then: () => void) => void;
  private readonly deafen: () => void;

  constructor(
    imageIds: string[],
    onChange: () => void,
    memory: FrameMemory = frameMemory,
    afterPaint: (then: () => void) => void = afterNextPaint,
  ) {
    this.imageIds = imageIds;
    this.onChange = onChange;
    this.memory = memory;
    this.afterPaint = afterPaint;
    this.states = imageIds.map(() => "waiting");
    this.taken = imageIds.map(() => false);
    const places = new Map(imageIds.map((imageId, index) => [imageId, index]));
    this.deafen = memory.onDropped((imageId) => this.onDropped(places.get(imageId)));
  }

  get loadedCount(): number {
    return this.states.filter((state) => state === "loaded").length;
  }

  /** Go on from here: the reader moved. */
  around(index: number): void {
    if (index !== this.centre) this.forward = index > this.centre;
    this.centre = index;
    if (this.begun) this.fill();
    else this.begin();
  }

  /** The first image is drawn before others are decoded: they would take the cores that it needs. */
  private begin(): void {
    this.begun = true;
    this.afterPaint(() => this.fill());
  }

  /** The network is back: what failed is tried again. */
  again(): void {
    this.states.forEach((state, index) => {
      if (state !== "failed") return;
      this.states[index] = "waiting";
      this.taken[index] = false;
    });
    this.onChange();
    this.fill();
  }

  /** Someone else loaded the frame, or failed to. */
  mark(index: number, state: FrameState): void {
    this.taken[index] = true;
    if (this.states[index] === state) return;
    this.states[index] = state;
    this.onChange();
  }

  stop(): void {
    this.stopped = true;
    this.deafen();
  }

  private fill(): void {
    while (!this.stopped && this.running < AT_ONCE) {
      const index = this.nearest();
      if (index === null) return;
      this.taken[index] = true;
      this.running += 1;
      void this.load(index);
    }
  }

  /** First and last frame that memory has room for; few as long as no frame's size is known. */
  private window(): [number, number] {
    const last = this.imageIds.length - 1;
    const most = this.bytesOfFrame ? framesWithin(this.memory.share, this.bytesOfFrame) : LEAST;
    if (most > last) return [0, last];
    const low = Math.min(Math.max(0, this.centre - Math.floor(most / 2)), last + 1 - most);
    return [low, low + most - 1];
  }

  private nearest(): number | null {
    const [low, high] = this.window();
    const step = this.forward ? 1 : -1;
    const ahead = this.untaken(this.centre, step, low, high);
    const behind = this.untaken(this.centre - step, -step, low, high);
    if (ahead === null || behind === null) return ahead ?? behind;
    const far = Math.abs(behind - this.centre) * BEHIND;
    return Math.abs(ahead - this.centre) <= far ? ahead : behind;
  }

  private untaken(from: number, step: number, low: number, high: number): number | null {
    for (let index = from; index >= low && index <= high; index += step) {
      if (this.taken[index] === false) return index;
    }
    return null;
  }

  private async load(index: number): Promise<void> {
    try {
      this.bytesOfFrame = Math.max(this.bytesOfFrame, await this.memory.load(this.imageIds[index] as string));
      this.states[index] = "loaded";
    } catch {
      this.states[index] = "failed";
    }
    this.running -= 1;
    if (this.stopped) return;
    this.letGo();
    this.onChange();
    this.fill();
  }

  /** Frames that the reader has left far behind make room. */
  private letGo(): void {
    const [low, high] = this.window();
    const isLoaded = (index: number) => this.states[index] === "loaded";
    for (let index = 0; index < low; index++)
      if (isLoaded(index)) this.memory.drop(this.imageIds[index] as string);
    for (let index = high + 1; index < this.imageIds.length; index++)
      if (isLoaded(index)) this.memory.drop(this.imageIds[index] as string);
  }

  private onDropped(index: number | undefined): void {
    if (index === undefined || this.states[index] !== "loaded") return;
    this.states[index] = "waiting";
    this.taken[index] = false;
  }
}

function afterNextPaint(then: () => void): void {
  // A page in the background paints nothing, and loads all the same.
  const timer = setTimeout(then, document.hidden ? 0 : 3000);
  requestAnimationFrame(() => {
    clearTimeout(timer);
    setTimeout(then);
  });
}
