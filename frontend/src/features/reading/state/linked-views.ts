/** Views side by side that follow each other: slice, zoom, pan and window. */
import { type FrameRef, placementOf } from "@/lib/imaging/frames";
import type { StackView, ViewAct } from "@/lib/imaging/stack-view";
import { followedSlice, type Slices, shiftBetween, shiftOf, sliceLineOf } from "./linked-slice";

export interface Linked {
  frames: FrameRef[];
  frameOfReference: string;
  /** R or L for breasts: those of two sides are mirror images. */
  side: string;
}

class Entry {
  readonly view: StackView;
  readonly frameOfReference: string;
  side: string;
  /** Mm by which its places lie further than the main view's. */
  shift = 0;
  stop: () => void = () => undefined;
  private readonly frames: FrameRef[];
  private known: Slices | null = null;

  constructor(view: StackView, { frames, frameOfReference, side }: Linked) {
    this.view = view;
    this.frames = frames;
    this.frameOfReference = frameOfReference;
    this.side = side;
  }

  /** Worked out when it is first asked for: a view alone needs no places. */
  get slices(): Slices {
    this.known ??= { count: this.frames.length, line: sliceLineOf(this.frames.map(placementOf)) };
    return this.known;
  }

  get target(): number {
    return this.view.store.getState().target;
  }
}

export class LinkedViews {
  isOn = true;
  /** The view of the case, by which the others are placed. */
  private main: Entry | null = null;
  private readonly entries = new Map<StackView, Entry>();
  private passing = false;

  /** Take a view in; the first is the main one. The slice to begin with where it follows, null where it does not. */
  add(view: StackView, given: Linked): number | null {
    const side = this.entries.get(view)?.side || given.side;
    this.remove(view);
    const entry = new Entry(view, { ...given, side });
    entry.stop = view.onAct((act) => this.pass(entry, act));
    this.entries.set(view, entry);
    this.main ??= entry;
    const { main } = this;
    if (main === entry) return null;
    const same = given.frameOfReference !== "" && given.frameOfReference === main.frameOfReference;
    entry.shift = shiftBetween(main.slices, entry.slices, same);
    return this.isOn ? followedSlice(main.target, main.slices, entry.slices, entry.shift) : null;
  }

  remove(view: StackView): void {
    const entry = this.entries.get(view);
    entry?.stop();
    this.entries.delete(view);
    if (this.main === entry) this.main = null;
  }

  /** Which breast the main view shows, once that is known. */
  showsSide(side: string): void {
    if (this.main) this.main.side = side;
  }

  /** Link or unlink; linked anew, the slices that are shown now count as the same place. */
  link(isOn: boolean): void {
    this.isOn = isOn;
    const { main } = this;
    if (!isOn || !main) return;
    for (const entry of this.entries.values())
      if (entry !== main) entry.shift = shiftOf(main.target, main.slices, entry.target, entry.slices);
  }

  private pass(from: Entry, act: ViewAct): void {
    if (!this.isOn || this.passing) return;
    this.passing = true;
    try {
      for (const entry of this.entries.values()) if (entry !== from) follow(entry, from, act);
    } finally {
      this.passing = false;
    }
  }
}

function follow(entry: Entry, from: Entry, act: ViewAct): void {
  const { view } = entry;
  const { size, unit } = view.store.getState();
  const mirrored = entry.side !== from.side && entry.side !== "" && from.side !== "";
  switch (act.kind) {
    case "slice": {
      const to = followedSlice(from.target, from.slices, entry.slices, entry.shift - from.shift);
      if (to !== null) view.goTo(to);
      return;
    }
    case "pan":
      view.pan(mirrored ? -act.dx : act.dx, act.dy);
      return;
    case "zoom": {
      const theirs = from.view.store.getState().size;
      if (!act.at || theirs.width === 0 || theirs.height === 0) {
        view.zoom(act.factor);
        return;
      }
      const x = (act.at[0] / theirs.width) * size.width;
      view.zoom(act.factor, [mirrored ? size.width - x : x, (act.at[1] / theirs.height) * size.height]);
      return;
    }
    case "window": {
      // Hounsfield units mean the same in both; other grey values are followed by as much as they were changed.
      const { window, unit: theirs } = from.view.store.getState();
      if (window && unit === "HU" && theirs === "HU") view.setWindow(window);
      else view.dragWindow(act.dx, act.dy);
      return;
    }
    case "preset":
      view.applyPreset(act.preset);
      return;
    case "invert":
      view.invert();
      return;
    case "reset":
      view.reset();
  }
}
