/**
 * One flat view on a stack of frames: what is shown, how, and where its pixels lie on the canvas.
 *
 * Wraps a Cornerstone stack viewport. Everything that pages need is in `store`; `toCanvas` is kept in step with the
 * camera, so that marks drawn above the image move with it.
 */
import { cache, Enums, eventTarget, getShouldUseCPURendering, type Types } from "@cornerstonejs/core";
import { createStore, type StoreApi } from "zustand/vanilla";
import {
  type Affine,
  affineFromCorners,
  canvasFromScoord,
  type ImagePlane,
  type Point,
  type Point3,
  scoordFromCanvas,
  worldFromScoord,
} from "./coordinates";
import { type FrameMemory, frameMemory } from "./frame-memory";
import { type FramePlacement, type FrameRef, placementOf } from "./frames";
import { type GreyScale, greyScaleOf } from "./grey-scale";
import { headerOf } from "./header";
import { type Cut, reformatted, type SampledFrames } from "./reformat";
import { type FrameState, SeriesLoader } from "./series-loader";
import { renderingEngine } from "./start";
import { TEXELS, transferFunctionOf } from "./transfer-function";
import {
  type Curve,
  curveOf,
  curveThrough,
  invertedCurve,
  overStored,
  shaderOf,
  tableAt,
  type Voi,
  withoutPadding,
} from "./voi";
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

type IImage = Types.IImage;

/** What a person did to a view, for the views that follow it. */
export type ViewAct =
  | { kind: "slice" }
  | { kind: "pan"; dx: number; dy: number }
  | { kind: "zoom"; factor: number; at: Point | null }
  | { kind: "window"; dx: number; dy: number }
  | { kind: "preset"; preset: Preset }
  | { kind: "invert" }
  | { kind: "reset" };

let lastId = 0;

/** How many views are attached: the engine resizes all of them at once. */
let liveViews = 0;

export class StackView {
  readonly store: StoreApi<ViewState> = createStore<ViewState>(() => NOTHING);
  private readonly element = document.createElement("div");
  private readonly id = `stack-${++lastId}`;
  private readonly observer = new ResizeObserver(() => this.onResize());
  private readonly attached: Promise<void>;
  private announce: () => void = () => undefined;
  private loader: SeriesLoader | null = null;
  private initial: Shown | null = null;
  private voi: Voi | null = null;
  private scale: GreyScale = NO_SCALE;
  /** As it opened or was reset: it is fitted anew when its pane changes size. */
  private fitted = true;
  private dead = false;
  private asked = 0;
  private readonly listeners = new Set<(act: ViewAct) => void>();
  private readonly memory: FrameMemory;

  constructor(memory: FrameMemory = frameMemory) {
    this.memory = memory;
    this.attached = new Promise((done) => {
      this.announce = done;
    });
    this.element.style.cssText = "position:absolute;inset:0";
    this.element.addEventListener(Enums.Events.STACK_NEW_IMAGE, this.onNewImage as EventListener);
    this.element.addEventListener(Enums.Events.CAMERA_MODIFIED, this.onCamera);
    // Without WebGL the camera is settled by the first drawing only.
    this.element.addEventListener(Enums.Events.IMAGE_RENDERED, this.onCamera);
    eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_ERROR, this.onLoadError as EventListener);
    window.addEventListener("online", this.onOnline);
  }

  /** Draw inside this container from now on. */
  attach(container: HTMLElement): void {
    container.prepend(this.element);
    renderingEngine().enableElement({
      viewportId: this.id,
      type: Enums.ViewportType.STACK,
      element: this.element,
      defaultOptions: { background: [0, 0, 0] },
    });
    liveViews += 1;
    this.observer.observe(this.element);
    this.announce();
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
    if (this.viewport) liveViews -= 1;
    this.dead = true;
    this.loader?.stop();
    this.observer.disconnect();
    this.element.removeEventListener(Enums.Events.STACK_NEW_IMAGE, this.onNewImage as EventListener);
    this.element.removeEventListener(Enums.Events.CAMERA_MODIFIED, this.onCamera);
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.onCamera);
    eventTarget.removeEventListener(Enums.Events.IMAGE_LOAD_ERROR, this.onLoadError as EventListener);
    window.removeEventListener("online", this.onOnline);
    renderingEngine().disableElement(this.id);
    this.element.remove();
  }

  /** Show a case's frames, beginning with one of them. */
  async show(frames: FrameRef[], first: number): Promise<void> {
    this.loader?.stop();
    const loader = new SeriesLoader(
      frames.map((frame) => frame.imageId),
      () => this.set({ states: [...loader.states], loaded: loader.loadedCount }),
      this.memory,
    );
    this.loader = loader;
    this.initial = null;
    this.fitted = true;
    this.voi = null;
    this.set({ ...NOTHING, size: this.store.getState().size, frames, target: first, states: [...loader.states] });
    loader.mark(first, "waiting");
    await this.attached;
    if (this.dead || this.loader !== loader) return;
    const viewport = this.viewport;
    if (!viewport) return;
    await viewport.setStack(
      frames.map((frame) => frame.imageId),
      first,
    );
    if (this.dead || this.loader !== loader) return;
    loader.around(first);
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
    const { frames, target } = this.store.getState();
    this.set({ failure: null });
    await this.viewport?.setStack(
      frames.map((frame) => frame.imageId),
      target,
    );
    this.loader?.around(target);
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
    const { flippedHorizontally, flippedVertically } = this.store.getState();
    if (axis === "horizontal") {
      this.setCamera({ flipHorizontal: !flippedHorizontally });
      this.set({ flippedHorizontally: !flippedHorizontally });
    } else {
      this.setCamera({ flipVertical: !flippedVertically });
      this.set({ flippedVertically: !flippedVertically });
    }
  }

  rotate(): void {
    const rotation = (this.store.getState().rotation + 90) % 360;
    this.viewport?.setViewPresentation({ rotation });
    this.viewport?.render();
    this.set({ rotation });
    this.measure();
  }

  pan(dx: number, dy: number): void {
    const viewport = this.viewport;
    if (!viewport) return;
    const from = viewport.canvasToWorld([0, 0]);
    const to = viewport.canvasToWorld([dx, dy]);
    this.shiftCamera([from[0] - to[0], from[1] - to[1], from[2] - to[2]]);
    this.tell({ kind: "pan", dx, dy });
  }

  /** Zoom so that what lies under `at` (canvas pixels; the middle by default) stays there. */
  zoom(factor: number, at?: Point): void {
    const viewport = this.viewport;
    const { size, toCanvas } = this.store.getState();
    const scale = viewport?.getCamera().parallelScale;
    if (!viewport || !scale || !toCanvas) return;
    const zoomed = Math.hypot(toCanvas.a, toCanvas.b) * factor;
    if (zoomed > 64 || zoomed < 0.02) return;
    const centre: Point = at ?? [size.width / 2, size.height / 2];
    const before = viewport.canvasToWorld(centre);
    viewport.setCamera({ parallelScale: scale / factor });
    const after = viewport.canvasToWorld(centre);
    this.shiftCamera([before[0] - after[0], before[1] - after[1], before[2] - after[2]]);
    this.tell({ kind: "zoom", factor, at: at ?? null });
  }

  /** Everything back: fitted, upright, with the window it began with. */
  reset(): void {
    const viewport = this.viewport;
    if (!viewport) return;
    this.fitted = true;
    this.set({ inverted: false });
    if (this.initial) this.present(this.initial);
    viewport.setViewPresentation({ rotation: 0 });
    viewport.resetCamera();
    viewport.render();
    this.set({ flippedHorizontally: false, flippedVertically: false, rotation: 0 });
    this.measure();
    this.tell({ kind: "reset" });
  }

  /** One image column on one pixel of the screen, in the middle, on whole pixels: nothing is interpolated. */
  actualSize(): void {
    const viewport = this.viewport;
    const { toCanvas, size, shown, frames } = this.store.getState();
    const frame = shown === null ? undefined : frames[shown];
    if (!viewport || !toCanvas || !frame) return;
    const perPixel = 1 / window.devicePixelRatio;
    this.zoom(perPixel / Math.hypot(toCanvas.a, toCanvas.b));
    const now = this.store.getState().toCanvas;
    if (!now) return;
    // The corner that is left and on top, turned and flipped views included.
    const corners = [
      [0, 0],
      [frame.columns, 0],
      [0, frame.rows],
      [frame.columns, frame.rows],
    ] as Point[];
    const drawn = corners.map((corner) => canvasFromScoord(corner, now));
    const [left, top] = [0, 1].map((axis) => Math.min(...drawn.map((corner) => corner[axis] as number)));
    const [right, bottom] = [0, 1].map((axis) => Math.max(...drawn.map((corner) => corner[axis] as number)));
    // A hair more, so that 394 stays 394 where it came out as 393.99: oblique planes are only so exact.
    const whole = (length: number) =>
      Math.floor(length * window.devicePixelRatio + 0.05) / window.devicePixelRatio;
    const x = whole((size.width - ((right as number) - (left as number))) / 2);
    const y = whole((size.height - ((bottom as number) - (top as number))) / 2);
    this.pan(x - (left as number), y - (top as number));
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
    const image = this.image;
    if (!image) return null;
    const column = Math.floor(at[0]);
    const row = Math.floor(at[1]);
    if (column < 0 || row < 0 || column >= image.columns || row >= image.rows) return null;
    const values = image.getPixelData();
    const parts = Math.max(1, Math.round(values.length / (image.columns * image.rows)));
    const first = (row * image.columns + column) * parts;
    if (parts >= 3) return [0, 1, 2].map((part) => values[first + part] as number);
    return [this.inUnits(image, values[first] as number)];
  }

  /** A plane across the frames that are loaded, in the window in force. */
  reformatted(cut: Cut): ImageData | null {
    const { frames } = this.store.getState();
    return this.cutOf(
      cut,
      frames.map((frame) => (cache.getImage(frame.imageId) as IImage | undefined) ?? null),
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
    const canvas = this.viewport?.canvas;
    return canvas ? canvas.toDataURL("image/jpeg", 0.85) : null;
  }

  private cutOf(cut: Cut, images: (IImage | null)[]): ImageData | null {
    const { image, voi } = this;
    if (!image || !voi) return null;
    const frames = images.map((one) => one?.getPixelData() ?? null);
    const { columns, rows } = image;
    const parts = Math.max(1, Math.round(image.getPixelData().length / (columns * rows)));
    const from: SampledFrames = { columns, rows, frames, parts };
    const shade = shaderOf(this.drawnCurve(image, this.curveFor(image, voi)));
    return new ImageData(reformatted(from, cut, shade), cut.width, cut.height);
  }

  private get viewport(): Types.IStackViewport | null {
    if (this.dead) return null;
    return (renderingEngine().getViewport(this.id) as Types.IStackViewport | undefined) ?? null;
  }

  private get image(): IImage | null {
    const viewport = this.viewport;
    if (!viewport || this.store.getState().shown === null) return null;
    return viewport.getCornerstoneImage() as IImage;
  }

  private async ask(index: number): Promise<void> {
    const mine = ++this.asked;
    await this.viewport?.setImageIdIndex(index);
    if (this.dead || mine !== this.asked) return;
    this.loader?.around(index);
  }

  private readonly onNewImage = (event: CustomEvent<{ imageIdIndex: number; image: IImage }>): void => {
    const { imageIdIndex, image } = event.detail;
    const { frames } = this.store.getState();
    const frame = frames[imageIdIndex];
    if (!frame) return;
    this.loader?.mark(imageIdIndex, "loaded");
    const isColour = Boolean(image.color);
    const header = headerOf(frame.imageId);
    this.scale = header && !isColour ? greyScaleOf(header) : NO_SCALE;
    const { preset, explanation } = this.store.getState();
    const known = this.scale.vois.find(({ name }) => name === explanation) ?? this.scale.vois[0];
    // The window of this very slice, set with it: the page is drawn once for both.
    const own = this.initial && preset === "header" ? known : undefined;
    if (own) this.voi = own.voi;
    this.set({
      shown: imageIdIndex,
      failure: null,
      placement: placementOf(frame),
      isColour,
      unit: this.scale.unit,
      ...(own ? { window: this.windowOf(own.voi) } : {}),
    });
    if (!this.initial) {
      this.initial = this.firstShown(image);
      this.present(this.initial);
    }
    // Cornerstone sets its own window after this event; ours must come last.
    queueMicrotask(() => this.draw());
    this.measure();
  };

  private readonly onOnline = (): void => {
    if (this.store.getState().failure) void this.retry();
    this.loader?.again();
  };

  private readonly onCamera = (): void => this.measure();

  private readonly onLoadError = (event: CustomEvent<{ imageId?: string; error?: unknown }>): void => {
    const { frames, target } = this.store.getState();
    const { imageId, error } = event.detail ?? {};
    if (!imageId || imageId !== frames[target]?.imageId) return;
    this.loader?.mark(target, "failed");
    this.set({ failure: messageOf(error) });
  };

  private readonly onResize = (): void => {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0 || this.dead) return;
    const before = this.store.getState().size;
    const { shown, flippedHorizontally, flippedVertically, rotation } = this.store.getState();
    const plain = this.fitted && !flippedHorizontally && !flippedVertically && rotation === 0;
    const keep = before.width > 0 && shown !== null && !plain;
    this.set({ size: { width, height } });
    this.resizeTo(keep);
    this.measure();
  };

  private resizeTo(keep: boolean): void {
    if (liveViews < 2) {
      renderingEngine().resize(true, keep);
      return;
    }
    // The engine resizes all views, and would fit the others anew with this one.
    renderingEngine().resize(true, true);
    if (keep) return;
    this.viewport?.resetCamera();
    this.viewport?.render();
  }

  private firstShown(image: IImage): Shown {
    if (image.color) return { voi: FULL_COLOUR, preset: "full", explanation: "" };
    const [own] = this.scale.vois;
    if (own) return { voi: own.voi, preset: "header", explanation: own.name };
    if (isByte(image)) return { ...this.fullBytes(), preset: "full", explanation: "" };
    return this.automatic(image, 0.005, 0.995, "automatic");
  }

  /** All that 8-bit pixels can hold. */
  private fullBytes(): { voi: Voi } {
    const { slope, intercept, modalityTable } = this.scale;
    if (modalityTable) return { voi: windowVoi(0, 2 ** modalityTable.bits - 1) };
    return { voi: windowVoi(intercept, 255 * slope + intercept) };
  }

  private automatic(image: IImage, low: number, high: number, preset: string): Shown {
    const { modalityTable } = this.scale;
    const found = rangeWindow(image.getPixelData(), low, high, this.paddingIn(image)) ?? { width: 1, centre: 0 };
    if (modalityTable) {
      const ends = [found.centre - found.width / 2, found.centre + found.width / 2].map((one) =>
        tableAt(modalityTable, one),
      );
      return { voi: windowVoi(ends[0] as number, ends[1] as number), preset, explanation: "" };
    }
    const half = found.width / 2;
    const ends = [found.centre - half, found.centre + half].map((one) => this.inUnits(image, one));
    return { voi: windowVoi(ends[0] as number, ends[1] as number), preset, explanation: "" };
  }

  private shownBy(preset: Preset): Shown | null {
    const image = this.image;
    if (!image) return null;
    if (preset.kind === "fixed") {
      return { voi: { kind: "window", window: preset.window }, preset: preset.name, explanation: "" };
    }
    if (image.color) return { voi: FULL_COLOUR, preset: "full", explanation: "" };
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

  /** Draw with the window in force. */
  private draw(): void {
    const { viewport, image, voi } = this;
    if (!viewport || !image || !voi) return;
    const { inverted, isColour } = this.store.getState();
    const curve = this.curveFor(image, voi);
    const invert = this.scale.lowestIsWhite !== inverted;
    this.element.style.filter = isColour && inverted ? "invert(1)" : "";
    if (getShouldUseCPURendering()) {
      viewport.setProperties({ voiRange: endsOf(curve), invert });
    } else {
      const drawn = this.drawnCurve(image, curve);
      // Cornerstone keeps the range from image to image, and would squeeze the curve into another one.
      viewport.setProperties({ voiRange: endsOf(drawn) });
      const actor = viewport.getDefaultActor()?.actor as unknown as ImageActor | undefined;
      actor?.getMapper().setColorTextureWidth(TEXELS);
      actor?.getProperty().setRGBTransferFunction(0, transferFunctionOf(drawn));
    }
    viewport.render();
  }

  /** With inversion and black padding, as it is drawn. */
  private drawnCurve(image: IImage, curve: Curve): Curve {
    const { inverted, isColour } = this.store.getState();
    if (isColour) return curve;
    const padding = this.paddingIn(image);
    const grey = this.scale.lowestIsWhite !== inverted ? invertedCurve(curve) : curve;
    return padding ? withoutPadding(grey, padding) : grey;
  }

  /** The curve over the values that the image's pixels hold. */
  private curveFor(image: IImage, voi: Voi): Curve {
    const { slope, intercept, modalityTable } = this.scale;
    if (modalityTable) return curveThrough(modalityTable, voi);
    return isScaled(image) ? curveOf(voi) : overStored(curveOf(voi), slope, intercept);
  }

  /** The padding in the values that the image's pixels hold. */
  private paddingIn(image: IImage): [number, number] | null {
    const { padding, slope, intercept } = this.scale;
    if (!padding || !isScaled(image)) return padding;
    const [p, q] = padding.map((one) => one * slope + intercept) as [number, number];
    return [Math.min(p, q), Math.max(p, q)];
  }

  /** What the pixel holds, in modality units. */
  private inUnits(image: IImage, value: number): number {
    const { slope, intercept, modalityTable } = this.scale;
    if (modalityTable) return tableAt(modalityTable, value);
    return isScaled(image) ? value : value * slope + intercept;
  }

  private get hasWholeValues(): boolean {
    const image = this.image;
    return !image || !(image.getPixelData() instanceof Float32Array);
  }

  private setCamera(camera: Partial<Types.ICamera>): void {
    this.viewport?.setCamera(camera as Types.ICamera);
    this.viewport?.render();
    this.measure();
  }

  private shiftCamera(by: Point3): void {
    this.fitted = false;
    const viewport = this.viewport;
    const { focalPoint, position } = viewport?.getCamera() ?? {};
    if (!viewport || !focalPoint || !position) return;
    const moved = (point: Types.Point3): Types.Point3 => [point[0] + by[0], point[1] + by[1], point[2] + by[2]];
    this.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
  }

  /** Where the image's corners lie on the canvas now. */
  private measure(): void {
    const viewport = this.viewport;
    const { shown, frames } = this.store.getState();
    const frame = shown === null ? undefined : frames[shown];
    if (!viewport || !frame) return;
    const data = viewport.getImageData();
    if (!data) return;
    const direction = data.direction as unknown as number[];
    const plane: ImagePlane = {
      origin: data.origin as Point3,
      alongRow: direction.slice(0, 3) as Point3,
      downColumn: direction.slice(3, 6) as Point3,
      columnSpacing: data.spacing[0],
      rowSpacing: data.spacing[1],
    };
    // The canvas has whole device pixels and is stretched to its element: up to half a pixel at the far edge.
    const stretch = (length: number, drawn: number) => (drawn ? length / (drawn / window.devicePixelRatio) : 1);
    const sx = stretch(this.element.clientWidth, viewport.canvas.width);
    const sy = stretch(this.element.clientHeight, viewport.canvas.height);
    const corner = (at: Point): Point => {
      const [x, y] = viewport.worldToCanvas(worldFromScoord(at, plane));
      return [x * sx, y * sy];
    };
    const { columns, rows } = frame;
    const toCanvas = affineFromCorners(corner([0, 0]), corner([columns, 0]), corner([0, rows]), columns, rows);
    if (!Object.values(toCanvas).every(Number.isFinite)) return;
    const before = this.store.getState().toCanvas;
    const moved =
      !before || (Object.keys(toCanvas) as (keyof Affine)[]).some((key) => before[key] !== toCanvas[key]);
    if (moved) this.set({ toCanvas });
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

/** As much of vtk.js' image slice as is used here. */
interface ImageActor {
  getMapper(): { setColorTextureWidth(texels: number): boolean };
  getProperty(): { setRGBTransferFunction(index: number, made: unknown): boolean };
}

const NO_SCALE: GreyScale = {
  slope: 1,
  intercept: 0,
  modalityTable: null,
  lowestIsWhite: false,
  padding: null,
  vois: [],
  unit: "",
};

function endsOf(curve: Curve): { lower: number; upper: number } {
  return { lower: curve[0]?.[0] ?? 0, upper: curve.at(-1)?.[0] ?? 1 };
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

function isByte(image: IImage): boolean {
  const bits = (image as { imageFrame?: { bitsAllocated?: number; pixelRepresentation?: number } }).imageFrame;
  return bits?.bitsAllocated === 8 && bits.pixelRepresentation !== 1;
}

function isScaled(image: IImage): boolean {
  return Boolean(image.preScale?.scaled);
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  const request = (error as { request?: XMLHttpRequest; status?: number } | undefined) ?? {};
  const status = request.status ?? request.request?.status;
  return status ? `HTTP ${status}` : String(error ?? "");
}
