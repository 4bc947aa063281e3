/** The two planes across the slices, cut out of the frames that are loaded, with the lines where the planes meet. */
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Lesion } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import type { Affine, Point3 } from "@/lib/imaging/coordinates";
import { placementOf } from "@/lib/imaging/frames";
import { edgeLetters } from "@/lib/imaging/orientation";
import {
  type GridPlane,
  gridOf,
  patientAt,
  planesOf,
  sizeAlong,
  stepAlong,
  type VolumeGrid,
  type Way,
} from "@/lib/imaging/volume-grid";
import { boundsOf } from "../geometry/mark";
import { useDisplay, useReading, useSession, useUi, useView } from "../state/session-context";
import { outlinesAcross, stretchesOn } from "./cross-sections";

const FRAME: Way = 2;

/** The grid of the open series once its headers are here; null where it is no volume. */
export function useGrid(): VolumeGrid | null {
  const frames = useView((state) => state.frames);
  return useMemo(() => gridOf(frames.map((frame) => ({ ...frame, placement: placementOf(frame) }))), [frames]);
}

export function MprPanes() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const layout = useDisplay((state) => state.layout);
  const ready = useView((state) => state.shown !== null);
  const grid = useGrid();
  useCross(grid);
  if (layout !== "mpr" || !ready || session.frames.length < 2) return null;
  if (!grid) {
    return (
      <div className="rr-mpr">
        <p className="sec sm rr-no-mpr" role="status">
          {t("mpr.none")}
        </p>
      </div>
    );
  }
  return (
    <div className="rr-mpr">
      {planesOf(grid)
        .filter((plane) => plane.held !== FRAME)
        .map((plane) => (
          <Pane key={plane.name} grid={grid} plane={plane} />
        ))}
    </div>
  );
}

/** The cross begins in the middle, follows the slice, and goes to the lesion in hand. */
function useCross(grid: VolumeGrid | null): void {
  const session = useSession();
  const target = useView((state) => state.target);
  const selected = useReading((state) => state.selected);
  const focused = useReading((state) => state.focused);
  useEffect(() => {
    if (!grid) return;
    session.display.setState(({ cross }) => ({
      cross: cross ? [cross[0], cross[1], target] : [(grid.columns - 1) / 2, (grid.rows - 1) / 2, target],
    }));
  }, [grid, target, session]);
  useEffect(() => {
    const lesion = [...session.store.getState().doc.lesions, ...session.findings].find(
      ({ id }) => id === (selected ?? focused),
    );
    if (!grid || !lesion) return;
    const points = session.outlines(lesion, session.frameIndexOf(lesion)).flat();
    if (points.length === 0) return;
    const { left, top, right, bottom } = boundsOf(points);
    session.display.setState(({ cross }) => ({
      cross: [(left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5, cross?.[FRAME] ?? session.frameIndexOf(lesion)],
    }));
  }, [grid, selected, focused, session]);
}

interface PaneProps {
  grid: VolumeGrid;
  plane: GridPlane;
}

function Pane({ grid, plane }: PaneProps) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const cross = useDisplay((state) => state.cross);
  const window = useView((state) => state.window);
  const inverted = useView((state) => state.inverted);
  const loaded = useView((state) => state.loaded);
  const overlays = useUi((state) => state.overlays);
  const [zoom, setZoom] = useState(1);
  const held = cross?.[plane.held];
  const to = useMemo(() => affineOf(grid, plane, size, zoom), [grid, plane, size, zoom]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: window, inversion and loaded frames change what is drawn
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || held === undefined || !to || size.width === 0) return;
    const draw = requestAnimationFrame(() => {
      const start = indexOf(plane, to, [0.5, 0.5], held);
      const [right, down] = [indexOf(plane, to, [1.5, 0.5], held), indexOf(plane, to, [0.5, 1.5], held)];
      const step = (there: Point3): Point3 => [there[0] - start[0], there[1] - start[1], there[2] - start[2]];
      const picture = session.view?.reformatted({ start, right: step(right), down: step(down), ...size });
      if (picture) context.putImageData(picture, 0, 0);
    });
    return () => cancelAnimationFrame(draw);
  }, [held, to, size, window, inverted, loaded, plane, session]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) {
        setZoom((now) => Math.min(12, Math.max(0.5, now * Math.exp(-event.deltaY / 600))));
        return;
      }
      move(session, grid, plane.held, event.deltaY > 0 ? 1 : -1);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [grid, plane, session]);

  const place = (event: React.PointerEvent<HTMLDivElement>) => {
    const at = box.current?.getBoundingClientRect();
    if (!to || !at || held === undefined) return;
    put(session, grid, indexOf(plane, to, [event.clientX - at.left, event.clientY - at.top], held));
  };
  const letters = to ? edgeLetters(placementIn(grid, plane), to) : null;
  const patient = cross ? patientAt(grid, cross) : null;
  const axis = { axial: 2, coronal: 1, sagittal: 0 }[plane.name] as 0 | 1 | 2;
  return (
    <div
      ref={box}
      className="rr-pane"
      data-testid={`mpr-${plane.name}`}
      data-patient={patient?.map((one) => one.toFixed(3)).join(" ")}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        place(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons & 1) place(event);
      }}
    >
      <canvas
        ref={canvas}
        width={size.width}
        height={size.height}
        aria-label={t(`mpr.${plane.name}`)}
        role="img"
      />
      {to && cross ? (
        <svg className="rr-marks" width={size.width} height={size.height} aria-hidden="true">
          <CutMarks plane={plane} held={Math.round(held ?? 0)} to={to} />
          <Lines plane={plane} cross={cross} to={to} size={size} />
        </svg>
      ) : null}
      {overlays ? (
        <>
          <div className="ov" style={{ left: 10, top: 8 }}>
            {t(`mpr.${plane.name}`)}
            <br />
            <span className="q num">
              {patient ? `${"xyz"[axis]} ${decimal(patient[axis] as number, 1)} mm` : ""}
            </span>
          </div>
          {letters
            ? (["top", "right", "bottom", "left"] as const).map((edge) => (
                <span key={edge} className={`ori rr-ori-${edge}`}>
                  {letters[edge]}
                </span>
              ))
            : null}
        </>
      ) : null}
    </div>
  );
}

/** From (index across, index down), whole numbers at pixel centres, to the pane's pixels: fitted, in true proportions. */
function affineOf(
  grid: VolumeGrid,
  plane: GridPlane,
  size: { width: number; height: number },
  zoom: number,
): Affine | null {
  if (size.width === 0 || size.height === 0) return null;
  const [stepX, stepY] = [stepAlong(grid, plane.across), stepAlong(grid, plane.down)];
  const [countX, countY] = [sizeAlong(grid, plane.across), sizeAlong(grid, plane.down)];
  const perMm = zoom * Math.min(size.width / (countX * stepX), size.height / (countY * stepY));
  const a = perMm * stepX * (plane.acrossFlipped ? -1 : 1);
  const d = perMm * stepY * (plane.downFlipped ? -1 : 1);
  const [middleX, middleY] = [(countX - 1) / 2, (countY - 1) / 2];
  return { a, b: 0, c: 0, d, e: size.width / 2 - a * middleX, f: size.height / 2 - d * middleY };
}

/** The index (column, row, frame) under a pixel of the pane. */
function indexOf(plane: GridPlane, to: Affine, [x, y]: [number, number], held: number): Point3 {
  const index: Point3 = [0, 0, 0];
  index[plane.held] = held;
  index[plane.across] = (x - to.e) / to.a;
  index[plane.down] = (y - to.f) / to.d;
  return index;
}

function placementIn(grid: VolumeGrid, plane: GridPlane) {
  const unit = (way: Way): Point3 => {
    const step = grid.steps[way];
    const length = Math.hypot(...step);
    return [step[0] / length, step[1] / length, step[2] / length];
  };
  return { alongRow: unit(plane.across), downColumn: unit(plane.down), position: null, letters: null };
}

type Session = ReturnType<typeof useSession>;

/** The cross to a place, inside of the volume; its frame is the slice of the main view. */
function put(session: Session, grid: VolumeGrid, index: Point3): void {
  const sizes = [grid.columns, grid.rows, grid.depth];
  const inside = index.map((one, way) => Math.min((sizes[way] as number) - 1, Math.max(0, one))) as Point3;
  const frame = Math.round(inside[FRAME]);
  session.display.setState({ cross: [inside[0], inside[1], frame] });
  session.view?.goTo(frame);
}

function move(session: Session, grid: VolumeGrid, way: Way, by: number): void {
  const { cross } = session.display.getState();
  if (!cross) return;
  const index: Point3 = [...cross];
  index[way] = Math.round(index[way]) + by;
  put(session, grid, index);
}

interface LinesProps {
  plane: GridPlane;
  cross: Point3;
  to: Affine;
  size: { width: number; height: number };
}

function Lines({ plane, cross, to, size }: LinesProps) {
  const x = to.a * cross[plane.across] + to.e;
  const y = to.d * cross[plane.down] + to.f;
  return (
    <g className="rr-cross">
      <path d={`M${x} 0V${y - 12}M${x} ${y + 12}V${size.height}M0 ${y}H${x - 12}M${x + 12} ${y}H${size.width}`} />
    </g>
  );
}

/** The lesions where this plane cuts them: own ones solid, the model's dashed. */
function CutMarks({ plane, held, to }: { plane: GridPlane; held: number; to: Affine }) {
  const session = useSession();
  const doc = useReading((state) => state.doc);
  const selected = useReading((state) => state.selected ?? state.focused);
  const hidden = useUi((state) => state.marksHidden);
  if (hidden) return null;
  const open = session.shownFindings(doc).filter((finding) => !doc.decisions[finding.id]);
  const shapes = [
    ...doc.lesions.map((lesion) => ({ lesion, model: false })),
    ...open.map((lesion) => ({ lesion, model: true })),
  ];
  return shapes.map(({ lesion, model }) => {
    const d = cutPath(session, lesion, plane, held, to);
    if (!d) return null;
    const style = { "--c": session.typeOf(lesion.finding_type)?.colour ?? "#f2f2f2" } as React.CSSProperties;
    return (
      <g key={lesion.id} style={style} data-cut={lesion.id}>
        <path className="mk h" d={d} />
        <path className={`mk${model ? " m" : ""}${selected === lesion.id ? " sel" : ""}`} d={d} />
      </g>
    );
  });
}

/** The outline of what the slices hold of a lesion where the plane runs, each slice as thick as it is. */
function cutPath(session: Session, lesion: Lesion, plane: GridPlane, held: number, to: Affine): string {
  const line = plane.held === 0 ? "column" : "row";
  const [first, last] = session.spanOf(lesion);
  // The line through the pixels' centres: index + 0.5 in SCOORD.
  const slices = Array.from({ length: last - first + 1 }, (_, index) =>
    stretchesOn(session.outlines(lesion, first + index), line, held + 0.5),
  );
  return outlinesAcross(slices)
    .map((outline) => {
      const corners = outline.map(([along, slice]) => {
        const [i, k] = [along - 0.5, first + slice - 0.5];
        const [x, y] = plane.across === FRAME ? [k, i] : [i, k];
        return `${to.a * x + to.e} ${to.d * y + to.f}`;
      });
      return `M${corners.join("L")}Z`;
    })
    .join("");
}

function useSize(of: React.RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = of.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      setSize({ width: Math.floor(element.clientWidth), height: Math.floor(element.clientHeight) });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [of]);
  return size;
}

/** The lines of the cross in the main view. */
export function MainCross() {
  const session = useSession();
  const layout = useDisplay((state) => state.layout);
  const cross = useDisplay((state) => state.cross);
  const to = useView((state) => state.toCanvas);
  const size = useView((state) => state.size);
  if (layout !== "mpr" || !cross || !to || session.frames.length < 3) return null;
  const { columns, rows } = session.frames[0] as { columns: number; rows: number };
  const at = (x: number, y: number) => `${to.a * x + to.c * y + to.e} ${to.b * x + to.d * y + to.f}`;
  const [x, y] = [cross[0] + 0.5, cross[1] + 0.5];
  return (
    <svg className="rr-marks" width={size.width} height={size.height} aria-hidden="true" data-testid="cross">
      <g className="rr-cross">
        <path d={`M${at(x, 0)}L${at(x, rows)}M${at(0, y)}L${at(columns, y)}`} />
      </g>
    </svg>
  );
}
