/** The marks above the image, in screen pixels: halo, line, handles, brackets, labels. */
import { memo, useMemo } from "react";
import { useShallow } from "zustand/shallow";
import { type Affine, canvasFromScoord, type Point, zoomOf } from "@/lib/imaging/coordinates";
import { Ring } from "@/ui/ring";
import { type Bounds, boundsOf, handlesOf, outlineOf } from "../geometry/mark";
import { smoothOutline } from "../geometry/outline";
import { pointed } from "../geometry/pointing";
import type { Draft, PointDraft } from "../state/room-ui";
import { useMasks, useReading, useSession, useUi, useView } from "../state/session-context";
import { type DrawnMark, drawnMarks } from "./drawn-marks";
import { MANY_LABELS, placeLabels } from "./label-place";
import { MeasurementLayer, MeasurementShape } from "./measurement-layer";
import { shownOutline } from "./point-at";

/** From here on single pixels are large enough to be told apart, and a mask shows its own. */
const PIXELS_VISIBLE = 5;
const SMALL = 24;
const NO_LABELS_BELOW = 0.5;

export function MarkLayer() {
  const session = useSession();
  const reading = useReading(useShallow(({ doc, selected, focused }) => ({ doc, selected, focused })));
  const ui = useUi(
    useShallow(({ marksHidden, originals, hidden, othersShown, preview, painting, colourBy }) => ({
      ...{ marksHidden, originals, hidden, othersShown, preview, painting, colourBy },
    })),
  );
  const also = useUi((state) => state.alsoSelected);
  const locked = useUi((state) => state.locked);
  const fill = useUi((state) => (state.fill ? state.opacity : 0));
  const masks = useMasks();
  const shown = useView((state) => state.shown);
  const toCanvas = useView((state) => state.toCanvas);
  const size = useView((state) => state.size);
  // biome-ignore lint/correctness/useExhaustiveDependencies: masks are read through the session as they arrive
  const marks = useMemo(
    () => (shown === null ? [] : drawnMarks(session, reading, ui, shown)),
    [session, reading, ui, shown, masks],
  );
  if (!toCanvas || shown === null) return null;
  const zoom = zoomOf(toCanvas);
  return (
    <>
      <svg className="rr-marks" width={size.width} height={size.height} aria-hidden="true">
        {marks.map((mark) => (
          <MarkShape
            key={mark.id}
            mark={mark}
            to={toCanvas}
            fill={fill}
            zoom={zoom}
            also={!mark.dashed && also.has(mark.id)}
          />
        ))}
        {marks.map((mark) =>
          mark.selected && !mark.dashed && !session.isReadonly && !locked.has(mark.id) ? (
            <Handles key={mark.id} mark={mark} to={toCanvas} />
          ) : null,
        )}
      </svg>
      <MeasurementLayer to={toCanvas} size={size} index={shown} />
      {zoom >= NO_LABELS_BELOW ? <Labels marks={marks} to={toCanvas} size={size} zoom={zoom} /> : null}
    </>
  );
}

/** What is being drawn, apart from the rest: it changes with every move of the pointer. */
export function DraftLayer() {
  const session = useSession();
  const draft = useUi((state) => state.draft);
  const painting = useUi((state) => state.painting);
  const toCanvas = useView((state) => state.toCanvas);
  const size = useView((state) => state.size);
  const shown = useView((state) => state.shown);
  useUi((state) => state.activeType);
  if (!draft || !toCanvas || (draft.kind === "point" && draft.index !== shown)) return null;
  const lesion = session.store.getState().doc.lesions.find((one) => one.id === painting);
  const type = lesion ? session.typeOf(lesion.finding_type) : session.activeType;
  return (
    <svg className="rr-marks" width={size.width} height={size.height} aria-hidden="true">
      <DraftShape draft={draft} to={toCanvas} colour={type?.colour ?? "#f2f2f2"} zoom={zoomOf(toCanvas)} />
    </svg>
  );
}

function lineOf(outline: Point[], to: Affine, isMask: boolean, zoom: number): Point[] {
  const line = isMask && zoom < PIXELS_VISIBLE ? smoothOutline(outline) : outline;
  return line.map((point) => canvasFromScoord(point, to));
}

function pathOf(lines: Point[][], closed = true): string {
  return lines
    .map((line) => `M${line.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}${closed ? "Z" : ""}`)
    .join("");
}

const MarkShape = memo(function MarkShape({
  mark,
  to,
  fill,
  zoom,
  also,
}: {
  mark: DrawnMark;
  to: Affine;
  /** Opacity of the filling; 0 for the outline alone. */
  fill: number;
  zoom: number;
  /** Chosen beside the selected one. */
  also: boolean;
}) {
  const style = { "--c": mark.colour, "--fill": fill } as React.CSSProperties;
  const look = `mk${mark.dashed ? " m" : ""}${mark.selected || also ? " sel" : ""}${fill ? " fill" : ""}`;
  if (mark.lesion.kind === "point") {
    const [x, y] = canvasFromScoord(mark.lesion.points[0] as Point, to);
    const cross = `M${x - 7} ${y}H${x - 2}M${x + 2} ${y}H${x + 7}M${x} ${y - 7}V${y - 2}M${x} ${y + 2}V${y + 7}`;
    return (
      <g style={style} data-mark={mark.id}>
        <path className="mk h" d={cross} />
        <path className={look} d={cross} />
      </g>
    );
  }
  const lines = mark.outlines.map((outline) => lineOf(outline, to, mark.isMask, zoom));
  const d = pathOf(lines);
  return (
    <g style={style} data-mark={mark.id} data-origin={mark.dashed ? "model" : "person"}>
      <path className="mk h" d={d} />
      <path className={look} d={d} fillRule="evenodd" />
      {mark.selected ? <Brackets bounds={boundsOf(lines.flat())} /> : null}
    </g>
  );
});

/** White corners around a selected mark that is too small to be seen as such. */
function Brackets({ bounds }: { bounds: Bounds }) {
  if (Math.max(bounds.right - bounds.left, bounds.bottom - bounds.top) >= SMALL) return null;
  const [l, t, r, b] = [bounds.left - 10, bounds.top - 10, bounds.right + 10, bounds.bottom + 10];
  const d =
    `M${l} ${t + 8}V${t}H${l + 8}M${r - 8} ${t}H${r}V${t + 8}` +
    `M${r} ${b - 8}V${b}H${r - 8}M${l + 8} ${b}H${l}V${b - 8}`;
  return (
    <>
      <path className="brk h" d={d} />
      <path className="brk" d={d} />
    </>
  );
}

function Handles({ mark, to }: { mark: DrawnMark; to: Affine }) {
  if (mark.isMask) return null;
  return handlesOf(mark.lesion.kind, mark.lesion.points).map(({ id, at }) => {
    const [x, y] = canvasFromScoord(at, to);
    return <rect key={id} className="hd" x={x - 4.5} y={y - 4.5} width={9} height={9} />;
  });
}

function DraftShape({ draft, to, colour, zoom }: { draft: Draft; to: Affine; colour: string; zoom: number }) {
  const style = { "--c": colour } as React.CSSProperties;
  if (draft.kind === "measurement") return <MeasurementShape measurement={draft.measurement} to={to} selected />;
  if (draft.kind === "polygon") {
    const line = draft.points.map((point) => canvasFromScoord(point, to));
    const d = pathOf([draft.line.map((point) => canvasFromScoord(point, to))], false);
    return (
      <g style={style}>
        <path className="mk h" d={d} />
        <path className="mk sel" d={d} />
        {line.map(([x, y], i) => (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: vertices have no other name while they are drawn
            key={i}
            className={`hd${i === 0 ? " first" : ""}`}
            x={x - 4.5}
            y={y - 4.5}
            width={9}
            height={9}
          />
        ))}
      </g>
    );
  }
  if (draft.kind === "point") return <PointShape draft={draft} to={to} colour={colour} zoom={zoom} />;
  const isMask = draft.kind === "mask";
  const outlines = draft.kind === "mask" ? draft.outlines : [draftOutline(draft)];
  const d = pathOf(
    outlines.map((outline) => lineOf(outline, to, isMask, zoom)),
    draft.kind !== "freehand",
  );
  return (
    <g style={style}>
      <path className="mk h" d={d} />
      <path className={`mk sel${isMask ? " fill" : ""}`} d={d} fillRule="evenodd" />
    </g>
  );
}

/** The outline that has come so far, clicks and strokes (white on the lesion, black beside it) and the box. */
function PointShape({ draft, to, colour, zoom }: { draft: PointDraft; to: Affine; colour: string; zoom: number }) {
  const d = pathOf((shownOutline(draft)?.outlines ?? []).map((outline) => lineOf(outline, to, true, zoom)));
  const acts = draft.steps.map(({ act }) => act);
  if (draft.drag) acts.push(draft.drag);
  const { box: corners } = pointed(acts);
  return (
    <g style={{ "--c": colour } as React.CSSProperties}>
      <path className="mk h" d={d} />
      <path className="mk sel fill" d={d} fillRule="evenodd" />
      {corners ? (
        <path className="pt-box" d={pathOf([outlineOf("box", corners).map((at) => canvasFromScoord(at, to))])} />
      ) : null}
      {acts.map((act, i) => {
        if (act.kind === "box") return null;
        const [x, y] = canvasFromScoord(act.kind === "click" ? act.at : (act.points[0] as Point), to);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: clicks have no other name while they are made
          <g key={i} className={act.on ? "on" : "off"} data-act={act.kind}>
            {act.kind === "stroke" ? <StrokeLine points={act.points} to={to} /> : null}
            <g className={`pt ${act.on ? "on" : "off"}`} transform={`translate(${x} ${y})`}>
              <circle r="6.5" />
              <path d={act.on ? "M-3.5 0H3.5M0-3.5V3.5" : "M-3.5 0H3.5"} />
            </g>
          </g>
        );
      })}
    </g>
  );
}

function StrokeLine({ points, to }: { points: Point[]; to: Affine }) {
  const d = pathOf([points.map((point) => canvasFromScoord(point, to))], false);
  return (
    <>
      <path className="pt-line h" d={d} />
      <path className="pt-line" d={d} />
    </>
  );
}

function draftOutline(draft: Extract<Draft, { kind: "box" | "ellipse" | "freehand" }>): Point[] {
  return draft.kind === "freehand" ? draft.points : outlineOf(draft.kind, draft.points);
}

interface LabelsProps {
  marks: DrawnMark[];
  to: Affine;
  size: { width: number; height: number };
  zoom: number;
}

const Labels = memo(function Labels({ marks, to, size, zoom }: LabelsProps) {
  const labelled = marks.filter((mark) => mark.label);
  const brief = labelled.length > MANY_LABELS;
  const textOf = (mark: DrawnMark) => {
    const { index, name, value } = mark.label as NonNullable<DrawnMark["label"]>;
    const head = index === null ? name : brief && !mark.selected ? String(index) : `${index} ${name}`;
    return { head, tail: brief && !mark.selected ? "" : value };
  };
  const requests = labelled.map((mark) => {
    const line = mark.outlines.flatMap((outline) => lineOf(outline, to, mark.isMask, zoom));
    const { head, tail } = textOf(mark);
    const bounds = boundsOf(line);
    const room = mark.selected && bounds.right - bounds.left < SMALL ? 12 : 0;
    const around = {
      left: bounds.left - room,
      top: bounds.top - room,
      right: bounds.right + room,
      bottom: bounds.bottom + room,
    };
    return {
      id: mark.id,
      mark: around,
      width: 32 + widthOf(head) + (tail ? 6 + widthOf(tail) : 0),
      first: mark.selected,
    };
  });
  const places = placeLabels(requests, size);
  return labelled.map((mark) => {
    const place = places.get(mark.id);
    const { head, tail } = textOf(mark);
    if (!place) return null;
    const style = {
      "--c": mark.colour,
      transform: `translate(${place.left}px,${place.top}px)`,
    } as React.CSSProperties;
    return (
      <span key={mark.id} className={`ml${mark.dashed ? " m" : ""}`} style={style} data-label={mark.id}>
        <Ring model={mark.dashed} size={10} />
        {head}
        {tail ? <span className="q">{tail}</span> : null}
      </span>
    );
  });
});

/** Rough width in pixels of 11 px text: Chinese characters are as wide as they are high. */
function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 11.5 : 6.6), 0);
}
