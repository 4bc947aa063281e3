/**
 * One flat view on a stack of frames: what is shown, how, and where its pixels lie on the canvas.
 *
 * Wraps a Cornerstone stack viewport. Everything that pages need is in `store`; `toCanvas` is kept in step with the
 * camera, so that marks drawn above the image move with it.
 */
import { Enums, eventTarget, type Types } from "@cornerstonejs/core";
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
import { type FramePlacement, type FrameRef, headerWindow, placementOf } from "./frames";
import { type FrameState, SeriesLoader } from "./series-loader";
import { renderingEngine } from "./start";
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
  window: Window | null;
  preset: string | null;
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
  inverted: false,
  flippedHorizontally: false,
  flippedVertically: false,
  rotation: 0,
  placement: null,
  isColour: false,
};

type IImage = Types.IImage;

let lastId = 0;

export class StackView {
  readonly store: StoreApi<ViewState> = createStore<ViewState>(() => NOTHING);
  private readonly element = document.createElement("div");
  private readonly id = `stack-${++lastId}`;
  private readonly observer = new ResizeObserver(() => this.onResize());
  private readonly attached: Promise<void>;
  private announce: () => void = () => undefined;
  private loader: SeriesLoader | null = null;
  private initialWindow: { window: Window; preset: string } | null = null;
  private dead = false;
  private asked = 0;

  constructor() {
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
    this.observer.observe(this.element);
    this.announce();
  }

  destroy(): void {
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
    );
    this.loader = loader;
    this.initialWindow = null;
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
    const width = Math.max(1, window.width);
    this.viewport?.setProperties({ voiRange: voiRange({ width, centre: window.centre }) });
    this.viewport?.render();
    this.set({ window: { width, centre: window.centre }, preset });
  }

  applyPreset(preset: Preset): void {
    const window = this.windowOf(preset);
    if (window) this.setWindow(window, preset.name);
  }

  /** The window under a drag: right is wider, down is brighter ground (a higher centre is darker). */
  dragWindow(dx: number, dy: number): void {
    const { window } = this.store.getState();
    if (!window) return;
    const gain = Math.max(0.25, window.width / 400);
    this.setWindow({ width: window.width + dx * gain, centre: window.centre + dy * gain });
  }

  invert(): void {
    const inverted = !this.store.getState().inverted;
    const viewport = this.viewport;
    if (!viewport) return;
    viewport.setProperties({ invert: !viewport.getProperties().invert });
    viewport.render();
    this.set({ inverted });
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
  }

  /** Everything back: fitted, upright, with the window it began with. */
  reset(): void {
    const viewport = this.viewport;
    if (!viewport) return;
    if (this.store.getState().inverted) this.invert();
    if (this.initialWindow) this.setWindow(this.initialWindow.window, this.initialWindow.preset);
    viewport.setViewPresentation({ rotation: 0 });
    viewport.resetCamera();
    viewport.render();
    this.set({ flippedHorizontally: false, flippedVertically: false, rotation: 0 });
    this.measure();
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
    return [unscaled(image, values[first] as number)];
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

  private get viewport(): Types.IStackViewport | null {
    if (this.dead) return null;
    return renderingEngine().getViewport(this.id) as Types.IStackViewport;
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
    this.set({ shown: imageIdIndex, failure: null, placement: placementOf(frame), isColour });
    if (!this.initialWindow) {
      const preset = this.firstPreset(frame, image);
      this.initialWindow = preset;
      // Cornerstone sets its own window after this event; ours must come last.
      this.set({ window: preset.window, preset: preset.preset });
      queueMicrotask(() => !this.dead && this.setWindow(preset.window, preset.preset));
    }
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
    const keep = before.width > 0 && this.store.getState().shown !== null;
    this.set({ size: { width, height } });
    renderingEngine().resize(true, keep);
    this.measure();
  };

  private firstPreset(frame: FrameRef, image: IImage): { window: Window; preset: string } {
    const fromHeader = headerWindow(frame);
    if (fromHeader) return { window: fromHeader, preset: "header" };
    const values = image.getPixelData();
    if (values instanceof Uint8Array || values instanceof Uint8ClampedArray) {
      return { window: { width: 255, centre: 127.5 }, preset: "full" };
    }
    const window = rangeWindow(values, 0.005, 0.995);
    return { window: inModalityUnits(image, window), preset: "automatic" };
  }

  private windowOf(preset: Preset): Window | null {
    if (preset.kind === "fixed") return preset.window;
    const image = this.image;
    if (!image) return null;
    if (preset.kind === "header") return this.initialWindow?.window ?? null;
    return inModalityUnits(image, rangeWindow(image.getPixelData(), preset.low, preset.high));
  }

  private setCamera(camera: Partial<Types.ICamera>): void {
    this.viewport?.setCamera(camera as Types.ICamera);
    this.viewport?.render();
    this.measure();
  }

  private shiftCamera(by: Point3): void {
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

/** Cornerstone's range of a DICOM window (PS3.3 C.11.2.1.2, linear). */
function voiRange({ width, centre }: Window): { lower: number; upper: number } {
  return { lower: centre - width / 2, upper: centre + width / 2 };
}

function isScaled(image: IImage): boolean {
  return Boolean(image.preScale?.scaled);
}

function unscaled(image: IImage, value: number): number {
  return isScaled(image) ? value : value * (image.slope ?? 1) + (image.intercept ?? 0);
}

function inModalityUnits(image: IImage, window: Window): Window {
  if (isScaled(image)) return window;
  const slope = image.slope ?? 1;
  return { width: window.width * Math.abs(slope), centre: window.centre * slope + (image.intercept ?? 0) };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  const request = (error as { request?: XMLHttpRequest; status?: number } | undefined) ?? {};
  const status = request.status ?? request.request?.status;
  return status ? `HTTP ${status}` : String(error ?? "");
}
