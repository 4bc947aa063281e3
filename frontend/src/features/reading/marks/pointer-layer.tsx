/** Takes the pointer above the image: the tool in hand with the left button, window with the right, pan with the middle. */
import { useEffect, useRef } from "react";
import { canvasFromScoord, discOnCanvas, type Point, scoordFromCanvas } from "@/lib/imaging/coordinates";
import { clamped } from "../geometry/mark";
import type { RoomSession } from "../state/room-session";
import {
  isBrushTool,
  isContourTool,
  isMarkTool,
  isMeasureTool,
  isPointingTool,
  type Tool,
} from "../state/room-ui";
import { useSession, useUi, useView } from "../state/session-context";
import { clickContour, closeContour, hoverContour } from "./click-contour";
import { cutMask, fillHole } from "./cut-mask";
import { commit, drawShape } from "./draw-shape";
import { grab } from "./edit-mark";
import { type Gesture, type Ground, groundOf, isOffImage, type Pointer } from "./gesture";
import { growRegion } from "./grow-region";
import { drawMeasurement, grabMeasurement } from "./measure-marks";
import { paintMask } from "./paint-mask";
import { pointAt } from "./point-at";

const LEFT = 0;
const MIDDLE = 1;
const RIGHT = 2;

export function PointerLayer() {
  const session = useSession();
  const layer = useRef<HTMLDivElement>(null);
  const gesture = useRef<Gesture | null>(null);
  const tool = useUi((state) => state.tool);

  useEffect(() => {
    const element = layer.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      // The slice stays while something is drawn on it.
      if (!gesture.current) wheel(session, event, element);
    };
    // React listens passively to the wheel, and then the page would scroll.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [session]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !gesture.current) return;
      event.stopImmediatePropagation();
      gesture.current.cancel();
      gesture.current = null;
    };
    window.addEventListener("keydown", onKey, { capture: true });
    return () => window.removeEventListener("keydown", onKey, { capture: true });
  }, []);

  const pointerOf = (event: React.PointerEvent | React.MouseEvent, ground: Ground): Pointer | null => {
    const { toCanvas } = ground.view.store.getState();
    const box = layer.current?.getBoundingClientRect();
    if (!toCanvas || !box) return null;
    const canvas: Point = [event.clientX - box.left, event.clientY - box.top];
    return { canvas, at: scoordFromCanvas(canvas, toCanvas), shift: event.shiftKey, alt: event.altKey };
  };

  const onPointerDown = (event: React.PointerEvent<HTMLDivElement>) => {
    const ground = groundOf(session);
    const pointer = ground && pointerOf(event, ground);
    layer.current?.focus({ preventScroll: true });
    if (!ground || !pointer || gesture.current) return;
    event.preventDefault();
    gesture.current = begin(ground, pointer, event.button, session.ui.getState().tool);
    if (gesture.current) layer.current?.setPointerCapture(event.pointerId);
  };

  const onPointerMove = (event: React.PointerEvent<HTMLDivElement>) => {
    const ground = groundOf(session);
    const pointer = ground && pointerOf(event, ground);
    if (!ground || !pointer) return;
    session.ui.setState({ hover: pointer.at });
    if (gesture.current) {
      // Fast strokes come as several points in one event.
      const passed = event.nativeEvent.getCoalescedEvents?.().slice(0, -1) ?? [];
      const between = passed.map((one) => pointerOf(one as unknown as React.PointerEvent, ground));
      gesture.current.move(
        pointer,
        between.filter((one) => one !== null),
      );
    } else hoverContour(ground, pointer);
  };

  const finish = (event: React.PointerEvent<HTMLDivElement>) => {
    const ground = groundOf(session);
    const pointer = ground && pointerOf(event, ground);
    const ended = gesture.current;
    gesture.current = null;
    if (ended && pointer) ended.end(pointer);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: an application of its own; every act here has a key
    <div
      ref={layer}
      className="rr-pointer"
      data-testid="viewport"
      data-tool={tool}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys for slices and findings work while it has the focus
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={finish}
      onPointerCancel={() => {
        gesture.current?.cancel();
        gesture.current = null;
      }}
      onPointerLeave={() => session.ui.setState({ hover: null })}
      onDoubleClick={() => {
        const ground = groundOf(session);
        if (ground) closeContour(ground);
      }}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}

function begin(ground: Ground, pointer: Pointer, button: number, tool: Tool): Gesture | null {
  const { session, view } = ground;
  if (button === MIDDLE || (button === LEFT && tool === "pan"))
    return dragging(pointer, (dx, dy) => view.pan(dx, dy));
  if (button === RIGHT || (button === LEFT && tool === "window")) {
    return dragging(pointer, (dx, dy) => view.dragWindow(dx, dy));
  }
  if (button !== LEFT) return null;
  if (tool === "zoom") return dragging(pointer, (_, dy) => view.zoom(Math.exp(-dy / 150), pointer.canvas));
  if (tool === "select" || session.isReadonly || !(isMarkTool(tool) || isMeasureTool(tool))) {
    return grabMeasurement(ground, pointer, false) ?? grab(ground, pointer, false);
  }
  if (!session.ui.getState().draft) {
    const pulled = grabMeasurement(ground, pointer, true);
    if (pulled) return pulled;
  }
  if (isMeasureTool(tool)) {
    if (tool !== "angle") return drawMeasurement(ground, tool, pointer);
    clickContour(ground, tool, pointer);
    return null;
  }
  if (isBrushTool(tool)) return paintMask(ground, tool, pointer);
  if (tool === "lasso" || tool === "scissors") return cutMask(ground, tool, pointer);
  if (isPointingTool(tool)) return pointAt(ground, pointer);
  if (tool === "grow") return growRegion(ground, pointer);
  if (tool === "fillHole") {
    fillHole(ground, pointer);
    return null;
  }
  if (!session.ui.getState().draft) {
    const pulled = grab(ground, pointer, true);
    if (pulled) return pulled;
  }
  if (isContourTool(tool)) {
    clickContour(ground, tool, pointer);
    return null;
  }
  if (tool === "point") {
    if (isOffImage(ground, pointer)) session.say("offImage");
    else commit(ground, "point", [clamped(pointer.at, ground.frame)]);
    return null;
  }
  return drawShape(ground, tool, pointer);
}

function dragging(first: Pointer, drag: (dx: number, dy: number) => void): Gesture {
  let last = first.canvas;
  return {
    move: ({ canvas }) => {
      drag(canvas[0] - last[0], canvas[1] - last[1]);
      last = canvas;
    },
    end: () => undefined,
    cancel: () => undefined,
  };
}

/** Scrolls through the slices; a single image, and any with Ctrl, is zoomed instead. */
function wheel(session: RoomSession, event: WheelEvent, element: HTMLElement): void {
  const view = session.view;
  if (!view || event.deltaY === 0) return;
  if (session.frames.length > 1 && !event.ctrlKey && !event.metaKey) {
    view.step(event.deltaY > 0 ? 1 : -1);
    return;
  }
  const box = element.getBoundingClientRect();
  view.zoom(Math.exp(-event.deltaY / 600), [event.clientX - box.left, event.clientY - box.top]);
}

/** The ring of the brush under the pointer. */
export function BrushRing() {
  const at = useUi((state) => state.hover);
  const tool = useUi((state) => state.tool);
  const brushSize = useUi((state) => state.brushSize);
  const toCanvas = useView((state) => state.toCanvas);
  const size = useView((state) => state.size);
  if (!at || !toCanvas || !isBrushTool(tool)) return null;
  const [x, y] = canvasFromScoord(at, toCanvas);
  // The brush is round in image pixels, which need not be square on the screen.
  const [rx, ry] = discOnCanvas(brushSize / 2, toCanvas).map((radius) => Math.max(3, radius));
  return (
    <svg className="rr-marks" width={size.width} height={size.height} aria-hidden="true">
      <ellipse className="mk h" cx={x} cy={y} {...{ rx, ry }} />
      <ellipse
        className="brush"
        cx={x}
        cy={y}
        {...{ rx, ry }}
        strokeDasharray={tool === "eraser" ? "3 3" : undefined}
      />
    </svg>
  );
}
