/** Loads a case's frames ahead, those next to the shown one first, a few at a time. */
import { imageLoader } from "@cornerstonejs/core";

export type FrameState = "waiting" | "loaded" | "failed";

const AT_ONCE = 3;

export class SeriesLoader {
  readonly states: FrameState[];
  private running = 0;
  private stopped = false;
  private centre = 0;
  private readonly taken: boolean[];
  private readonly imageIds: string[];
  private readonly onChange: () => void;

  constructor(imageIds: string[], onChange: () => void) {
    this.imageIds = imageIds;
    this.onChange = onChange;
    this.states = imageIds.map(() => "waiting");
    this.taken = imageIds.map(() => false);
  }

  get loadedCount(): number {
    return this.states.filter((state) => state === "loaded").length;
  }

  /** Go on from here: the reader moved. */
  around(index: number): void {
    this.centre = index;
    this.fill();
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

  private nearest(): number | null {
    for (let distance = 0; distance < this.imageIds.length; distance++) {
      for (const index of [this.centre + distance, this.centre - distance]) {
        if (this.taken[index] === false) return index;
      }
    }
    return null;
  }

  private async load(index: number): Promise<void> {
    try {
      await imageLoader.loadAndCacheImage(this.imageIds[index] as string, {
        requestType: "prefetch",
        priority: 0,
      });
      this.states[index] = "loaded";
    } catch {
      this.states[index] = "failed";
    }
    this.running -= 1;
    if (this.stopped) return;
    this.onChange();
    this.fill();
  }
}
