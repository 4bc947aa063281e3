/**
 * One flat view on a stack of frames: what is shown, how, and where its pixels lie on the canvas.
 *
 * Everything that pages need is in `store`; `toCanvas` is set with what is drawn, so that marks above the image move
 * with it. Drawing waits for the browser's next frame: many changes before it are drawn once.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import {
  affineOf,
  boxOf,
  type Camera,
  type Extent,
  FITTED,
  flipped,
  panned,
  scaleOf,
  turned,
  zoomed,
} from "./camera";
import { CanvasPainter } from "./canvas-painter";
import { type Affine, canvasFromScoord, type Point, type Point3, scoordFromCanvas } from "./coordinates";
import { type FrameMemory, frameMemory, frameStore } from "./frame-memory";
import { type FramePlacement, type FrameRef, placementOf } from "./frames";
import { type GreyScale, greyScaleOf, modalityValue, NO_SCALE } from "./grey-scale";
import { headerOf } from "./header";
import type { Image } from "./image";
import { type Cut, reformatted, type SampledFrames } from "./reformat";
import { type FrameState, SeriesLoader } from "./series-loader";
import { greyIn, type Shading } from "./shading";
import { spacingOf } from "./spacing";
import type { Voi } from "./voi";
import { type Preset, rangeWindow, type Window } from "./windows";

export interface ViewState {
  frames: FrameRef[];
  /** The frame that is wanted, and the one that is drawn: null until the first is there. */
  target: number;
  shown: number | null;
  states: FrameState[];
  loaded: number;
  failure: string | null;
  toCanvas: Affine | null;
  size: { width: number; height: number };
  /** The window in force; for a look-up table, the span of its input. */
  window: Window | null;
  preset: string | null;
  /** What the header calls the window. */
  explanation: string;
  /** The modality's unit, "HU" for one; empty where the header names none. */
  unit: string;
  inverted: boolean;
  flippedHorizontally: boolean;
  flippedVertically: boolean;
  rotation: number;
  placement: FramePlacement | null;
  isColour: boolean;
}

const NOTHING: ViewState = {
  frames: [],
  target: 0,
  shown: null,
  states: [],
  loaded: 0,
  failure: null,
  toCanvas: null,
  size: { width: 0, height: 0 },
  window: null,
  preset: null,
  explanation: "",
  unit: "",
  inverted: false,
  flippedHorizontally: false,
  flippedVertically: false,
  rotation: 0,
  placement: null,
  isColour: false,
};

/** What a person did to a view, for the views that follow it. */
export type ViewAct =
  | { kind: "slice" }
  | { kind: "pan"; dx: number; dy: number }
  | { kind: "zoom"; factor: number; at: Point | null }
  | { kind: "window"; dx: number; dy: number }
  | { kind: "preset"; preset: Preset }
  | { kind: "invert" }
  | { kind: "reset" };

/** Events of the view's element, for those who measure: a frame is new; it is drawn. `detail.imageId` names it. */
export const NEW_IMAGE = "overread-new-image";
export const IMAGE_DRAWN = "overread-image-drawn";

const TELL_AFTER_MS = 60;
const LARGEST_ZOOM = 64;
const SMALLEST_ZOOM = 0.02;

export class StackView {
  readonly store: StoreApi<ViewState> = createStore<ViewState>(() => NOTHING);
  private readonly element = document.createElement("div");
  private readonly painter = new CanvasPainter();
  private readonly observer = new ResizeObserver(() => this.onResize());
  private loader: SeriesLoader | null = null;
  private camera: Camera = FITTED;
  private initial: Shown | null = null;
  private voi: Voi | null = null;
  private image: Image | null = null;
  private scale: GreyScale = NO_SCALE;
  private dead = false;
  private asked = 0;
  private isDrawingDue = false;
  private isTellingDue = false;
  private readonly listeners = new Set<(act: ViewAct) => void>();
  private readonly memory: FrameMemory;

  constructor(memory: FrameMemory = frameMemory) {
    this.memory = memory;
    this.element.style.cssText = "position:absolute;inset:0;overflow:hidden;background:#000;touch-action:none";
    this.element.append(this.painter.canvas);
    window.addEventListener("online", this.onOnline);
  }

  /** Draw inside this container from now on. */
  attach(container: HTMLElement): void {
    container.prepend(this.element);
    this.observer.observe(this.element);
    this.onResize();
  }

  /** Told of every act on this view; ends with the function that is returned. */
  onAct(listener: (act: ViewAct) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(act: ViewAct): void {
    for (const listener of this.listeners) listener(act);
  }

  destroy(): void {
    this.dead = true;
    this.loader?.stop();
    this.observer.disconnect();
    window.removeEventListener("online", this.onOnline);
    this.element.remove();
  }

  /** Show a case's frames, beginning with one of them. */
  async show(frames: FrameRef[], first: number): Promise<void> {
    this.loader?.stop();
    const loader = new SeriesLoader(
      frames.map((frame) => frame.imageId),
      () => this.tellLoaded(loader),
      this.memory,
    );
    this.loader = loader;
    this.initial = null;
    this.voi = null;
    this.image = null;
    this.camera = FITTED;
    this.painter.clear();
    this.set({ ...NOTHING, size: this.store.getState().size, frames, target: first, states: [...loader.states] });
    loader.mark(first, "waiting");
    await this.ask(first);
  }

  goTo(index: number): void {
    const { frames, target } = this.store.getState();
    const to = Math.min(frames.length - 1, Math.max(0, index));
    if (to === target || frames.length === 0) return;
    this.set({ target: to, failure: null });
    void this.ask(to);
    this.tell({ kind: "slice" });
  }

  step(by: number): void {
    this.goTo(this.store.getState().target + by);
  }

  /** After a failure. */
  async retry(): Promise<void> {
    this.set({ failure: null });
    await this.ask(this.store.getState().target);
  }

  setWindow(window: Window, preset: string | null = null): void {
    this.present({ voi: { kind: "window", window }, preset, explanation: "" });
  }

  applyPreset(preset: Preset): void {
    const shown = this.shownBy(preset);
    if (!shown) return;
    this.present(shown);
    this.tell({ kind: "preset", preset });
  }

  /** The windows and tables that the header of the shown frame brings. */
  get headerPresets(): { name: string; preset: Preset }[] {
    return this.scale.vois.map(({ name }, index) => ({ name, preset: { name: "header", kind: "header", index } }));
  }

  /** The window under a drag: right is wider, down is a higher centre, which is darker. */
  dragWindow(dx: number, dy: number): void {
    const { window } = this.store.getState();
    if (!window) return;
    const least = this.hasWholeValues ? 0.25 : 0;
    const gain = Math.max(least, window.width / 400);
    const smallest = this.hasWholeValues ? 1 : window.width / 4;
    this.setWindow({
      ...window,
      width: Math.max(smallest, window.width + dx * gain),
      centre: window.centre + dy * gain,
    });
    this.tell({ kind: "window", dx, dy });
  }

  invert(): void {
    this.set({ inverted: !this.store.getState().inverted });
    this.draw();
    this.tell({ kind: "invert" });
  }

  flip(axis: "horizontal" | "vertical"): void {
    this.look(flipped(this.camera, axis));
  }

  rotate(): void {
    this.look(turned(this.camera));
  }

  pan(dx: number, dy: number): void {
    const { extent } = this;
    if (!extent) return;
    this.look(panned(this.camera, scaleOf(this.camera, extent, this.store.getState().size), [dx, dy]));
    this.tell({ kind: "pan", dx, dy });
  }

  /** Zoom so that what lies under `at` (canvas pixels; the middle by default) stays there. */
  zoom(factor: number, at?: Point): void {
    const { extent, camera } = this;
    const { size, toCanvas } = this.store.getState();
    if (!extent || !toCanvas) return;
    const pixel = Math.hypot(toCanvas.a, toCanvas.b) * factor;
    if (pixel > LARGEST_ZOOM || pixel < SMALLEST_ZOOM) return;
    const [x, y] = at ?? [size.width / 2, size.height / 2];
    this.look(zoomed(camera, scaleOf(camera, extent, size), factor, [x - size.width / 2, y - size.height / 2]));
    this.tell({ kind: "zoom", factor, at: at ?? null });
  }

  /** Everything back: fitted, upright, with the window it began with. */
  reset(): void {
    if (!this.image) return;
    this.set({ inverted: false });
    if (this.initial) this.present(this.initial);
    this.look(FITTED);
    this.tell({ kind: "reset" });
  }

  /** One image column on one pixel of the screen, in the middle, on whole pixels: nothing is interpolated. */
  actualSize(): void {
    const { extent } = this;
    const { toCanvas, size } = this.store.getState();
    if (!toCanvas || !extent) return;
    const ratio = window.devicePixelRatio;
    this.zoom(1 / ratio / Math.hypot(toCanvas.a, toCanvas.b));
    const now = this.store.getState().toCanvas;
    if (!now) return;
    const box = boxOf(now, extent);
    // A hair more, so that 394 stays 394 where it came out as 393.99.
    const whole = (length: number) => Math.floor(length * ratio + 0.05) / ratio;
    this.pan(whole((size.width - box.width) / 2) - box.left, whole((size.height - box.height) / 2) - box.top);
  }

  /** Bring a place of the shown frame into view; does nothing when it is in view already. */
  reveal(at: Point): void {
    const { toCanvas, size } = this.store.getState();
    if (!toCanvas) return;
    const [x, y] = canvasFromScoord(at, toCanvas);
    const margin = 40;
    if (x >= margin && y >= margin && x <= size.width - margin && y <= size.height - margin) return;
    this.pan(size.width / 2 - x, size.height / 2 - y);
  }

  /** The stored value (modality units) of the pixel that a place lies in; three of them for colour. */
  valueAt(at: Point): number[] | null {
    const { image, scale } = this;
    if (!image) return null;
    const column = Math.floor(at[0]);
    const row = Math.floor(at[1]);
    if (column < 0 || row < 0 || column >= image.columns || row >= image.rows) return null;
    const { values, parts } = image;
    const first = (row * image.columns + column) * parts;
    if (parts >= 3) return [0, 1, 2].map((part) => values[first + part] as number);
    return [modalityValue(scale, values[first] as number)];
  }

  /** A plane across the frames that are loaded, in the window in force. */
  reformatted(cut: Cut): ImageData | null {
    const { frames } = this.store.getState();
    return this.cutOf(
      cut,
      frames.map((frame) => frameStore.get(frame.imageId)),
    );
  }

  /** What lies around a place, `factor` times as large as it is shown and at least one screen pixel to a pixel. */
  magnified(at: Point, diameter: number, factor: number): ImageData | null {
    const { toCanvas } = this.store.getState();
    const image = this.image;
    if (!image || !toCanvas) return null;
    const centre = canvasFromScoord(at, toCanvas);
    const larger = Math.max(factor, 1 / Math.hypot(toCanvas.a, toCanvas.b));
    const indexAt = (x: number, y: number): Point3 => {
      const there: Point = [centre[0] + (x - diameter / 2) / larger, centre[1] + (y - diameter / 2) / larger];
      const [column, row] = scoordFromCanvas(there, toCanvas);
      return [column - 0.5, row - 0.5, 0];
    };
    const start = indexAt(0.5, 0.5);
    const step = ([i, j]: Point3): Point3 => [i - start[0], j - start[1], 0];
    const cut = { start, right: step(indexAt(1.5, 0.5)), down: step(indexAt(0.5, 1.5)) };
    return this.cutOf({ ...cut, width: diameter, height: diameter }, [image]);
  }

  scoordAt(at: Point): Point | null {
    const { toCanvas } = this.store.getState();
    return toCanvas ? scoordFromCanvas(at, toCanvas) : null;
  }

  /** The picture as it is now, for a dialog that shows two versions of it. */
  picture(): string | null {
    const { toCanvas, size } = this.store.getState();
    if (!this.image || !toCanvas) return null;
    this.drawNow();
    return this.painter.pictureOf(toCanvas, size);
  }

  private cutOf(cut: Cut, images: (Image | null)[]): ImageData | null {
    const { image, shading } = this;
    if (!image || !shading) return null;
    const { columns, rows, parts } = image;
    const from: SampledFrames = { columns, rows, frames: images.map((one) => one?.values ?? null), parts };
    return new ImageData(
      reformatted(from, cut, (value) => greyIn(shading, value)),
      cut.width,
      cut.height,
    );
  }

  private get extent(): Extent | null {
    const { shown, frames } = this.store.getState();
    const frame = shown === null ? undefined : frames[shown];
    const header = frame && headerOf(frame.imageId);
    return frame && header ? { columns: frame.columns, rows: frame.rows, spacing: spacingOf(header) } : null;
  }

  private get shading(): Shading | null {
    const { scale, voi } = this;
    return voi && { scale, voi, inverted: this.store.getState().inverted };
  }

  /** Show a frame, at once where it is here; of those that are asked for in a row the last one counts. */
  private async ask(index: number): Promise<void> {
    const mine = ++this.asked;
    const { loader } = this;
    const { frames } = this.store.getState();
    const frame = frames[index];
    if (!frame) return;
    const here = frameStore.get(frame.imageId);
    try {
      if (here) this.take(index, frame, here);
      else {
        const image = await frameStore.load(frame.imageId, true);
        if (this.dead || mine !== this.asked || loader !== this.loader) return;
        this.take(index, frame, image);
      }
    } catch (error) {
      if (this.dead || mine !== this.asked || loader !== this.loader) return;
      loader?.mark(index, "failed");
      this.set({ failure: error instanceof Error ? error.message : String(error) });
      return;
    }
    loader?.around(index);
  }

  private take(index: number, frame: FrameRef, image: Image): void {
    const header = headerOf(frame.imageId);
    this.image = image;
    this.scale = header ? greyScaleOf(header) : NO_SCALE;
    this.loader?.mark(index, "loaded");
    const { preset, explanation } = this.store.getState();
    const known = this.scale.vois.find(({ name }) => name === explanation) ?? this.scale.vois[0];
    // The window of this very slice, set with it: the page is drawn once for both.
    const own = this.initial && preset === "header" ? known : undefined;
    if (own) this.voi = own.voi;
    this.set({
      shown: index,
      failure: null,
      placement: placementOf(frame),
      isColour: image.parts > 1,
      unit: this.scale.unit,
      ...(own ? { window: this.windowOf(own.voi) } : {}),
    });
    if (!this.initial) {
      this.initial = this.firstShown(image);
      this.present(this.initial);
    }
    this.look(this.camera);
    this.element.dispatchEvent(new CustomEvent(NEW_IMAGE, { bubbles: true, detail: { imageId: frame.imageId } }));
  }

  /** What is loaded, told once for many frames: a page that is drawn anew for each of a thousand does little else. */
  private tellLoaded(loader: SeriesLoader): void {
    if (this.isTellingDue) return;
    this.isTellingDue = true;
    setTimeout(() => {
      this.isTellingDue = false;
      if (loader === this.loader) this.set({ states: [...loader.states], loaded: loader.loadedCount });
    }, TELL_AFTER_MS);
  }

  private readonly onOnline = (): void => {
    if (this.store.getState().failure) void this.retry();
    this.loader?.again();
  };

  private readonly onResize = (): void => {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0 || this.dead) return;
    this.set({ size: { width, height } });
    this.look(this.camera);
    // The browser paints before its next frame.
    this.drawNow();
  };

  private firstShown(image: Image): Shown {
    if (image.parts > 1) return { voi: FULL_COLOUR, preset: "full", explanation: "" };
    const [own] = this.scale.vois;
    if (own) return { voi: own.voi, preset: "header", explanation: own.name };
    if (image.values instanceof Uint8Array) return { ...this.fullBytes(), preset: "full", explanation: "" };
    return this.automatic(image, 0.005, 0.995, "automatic");
  }

  /** All that 8-bit pixels can hold. */
  private fullBytes(): { voi: Voi } {
    const { slope, intercept, modalityTable } = this.scale;
    if (modalityTable) return { voi: windowVoi(0, 2 ** modalityTable.bits - 1) };
    return { voi: windowVoi(intercept, 255 * slope + intercept) };
  }

  private automatic(image: Image, low: number, high: number, preset: string): Shown {
    const found = rangeWindow(image.values, low, high, this.scale.padding) ?? { width: 1, centre: 0 };
    const half = found.width / 2;
    const [lower, upper] = [found.centre - half, found.centre + half].map((one) => modalityValue(this.scale, one));
    return { voi: windowVoi(lower as number, upper as number), preset, explanation: "" };
  }

  private shownBy(preset: Preset): Shown | null {
    const image = this.image;
    if (!image) return null;
    if (preset.kind === "fixed") {
      return { voi: { kind: "window", window: preset.window }, preset: preset.name, explanation: "" };
    }
    if (image.parts > 1) return { voi: FULL_COLOUR, preset: "full", explanation: "" };
    if (preset.kind === "range") return this.automatic(image, preset.low, preset.high, preset.name);
    const own = this.scale.vois[preset.index];
    return own ? { voi: own.voi, preset: "header", explanation: own.name } : this.firstShown(image);
  }

  private present({ voi, preset, explanation }: Shown): void {
    this.voi = voi;
    this.set({ window: this.windowOf(voi), preset, explanation });
    this.draw();
  }

  /** The window to tell of; the one that is told already if it is the same. */
  private windowOf(voi: Voi): Window {
    const window = voi.kind === "window" ? voi.window : spanOf(voi.table);
    const told = this.store.getState().window;
    const same = told?.width === window.width && told.centre === window.centre && told.curve === window.curve;
    return same ? told : window;
  }

  /** Look at the frame with this camera. */
  private look(camera: Camera): void {
    this.camera = camera;
    const { extent } = this;
    const { size, toCanvas: before } = this.store.getState();
    if (!extent || size.width === 0 || size.height === 0) return;
    const toCanvas = affineOf(camera, extent, size);
    const moved =
      !before || (Object.keys(toCanvas) as (keyof Affine)[]).some((key) => before[key] !== toCanvas[key]);
    const { rotation, flippedHorizontally, flippedVertically } = camera;
    if (moved) this.set({ toCanvas, rotation, flippedHorizontally, flippedVertically });
    this.draw();
  }

  /** Draw with the browser's next frame. */
  private draw(): void {
    if (this.isDrawingDue) return;
    this.isDrawingDue = true;
    requestAnimationFrame(() => {
      if (this.isDrawingDue) this.drawNow();
    });
  }

  private drawNow(): void {
    this.isDrawingDue = false;
    const { image, shading } = this;
    const { toCanvas, shown, frames } = this.store.getState();
    if (this.dead || !image || !shading || !toCanvas || shown === null) return;
    this.painter.draw(image, shading, toCanvas);
    const detail = { imageId: frames[shown]?.imageId };
    this.element.dispatchEvent(new CustomEvent(IMAGE_DRAWN, { bubbles: true, detail }));
  }

  private get hasWholeValues(): boolean {
    const { slope, intercept, modalityTable } = this.scale;
    return modalityTable !== null || (Number.isInteger(slope) && Number.isInteger(intercept));
  }

  private set(change: Partial<ViewState>): void {
    if (!this.dead) this.store.setState(change);
  }
}

interface Shown {
  voi: Voi;
  preset: string | null;
  explanation: string;
}

const FULL_COLOUR: Voi = windowVoi(0, 255);

function windowVoi(lower: number, upper: number): Voi {
  const [low, high] = lower < upper ? [lower, upper] : [upper, lower];
  const window: Window = { width: high - low || 1, centre: (low + high) / 2, curve: "LINEAR_EXACT" };
  return { kind: "window", window };
}

/** The window that a table covers: what a drag goes on from. */
function spanOf({ first, values }: { first: number; values: ArrayLike<number> }): Window {
  return { width: values.length, centre: first + values.length / 2 };
}
