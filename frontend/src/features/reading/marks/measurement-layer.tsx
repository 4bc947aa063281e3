/** Measurements above the image: thin white lines with their value beside them, in screen pixels. */
import { useShallow } from "zustand/shallow";
import type { Measurement } from "@/lib/api-types";
import { type Affine, canvasFromScoord, type Point } from "@/lib/imaging/coordinates";
import { boundsOf } from "../geometry/mark";
import { useReading, useSession, useUi } from "../state/session-context";
import { useWords } from "../state/use-words";
import { linesOf, onFrame } from "./measure-marks";
import { measurementText } from "./measurement-text";

interface LayerProps {
  to: Affine;
  size: { width: number; height: number };
  index: number;
}

export function MeasurementLayer({ to, size, index }: LayerProps) {
  const session = useSession();
  const stored = useReading((state) => state.doc.measurements);
  const { marksHidden, preview, selected } = useUi(
    useShallow((state) => ({
      marksHidden: state.marksHidden,
      preview: state.measurementPreview,
      selected: state.selectedMeasurement,
    })),
  );
  const frame = session.frames[index];
  const here = frame && !marksHidden ? stored.filter((one) => onFrame(one, frame)) : [];
  if (here.length === 0) return null;
  const shown = here.map((one) => (preview?.id === one.id ? preview : one));
  return (
    <>
      <svg className="rr-marks" width={size.width} height={size.height} aria-hidden="true">
        {shown.map((one) => (
          <MeasurementShape key={one.id} measurement={one} to={to} selected={one.id === selected} />
        ))}
      </svg>
      {shown.map((one) => (
        <Value key={one.id} measurement={one} to={to} size={size} />
      ))}
    </>
  );
}

interface ShapeProps {
  measurement: Measurement;
  to: Affine;
  selected: boolean;
}

export function MeasurementShape({ measurement, to, selected }: ShapeProps) {
  const lines = linesOf(measurement).map((line) => line.map((point) => canvasFromScoord(point, to)));
  const head = measurement.kind === "arrow" && lines[0] ? headOf(lines[0] as [Point, Point]) : "";
  const d =
    lines.map((line) => `M${line.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`).join("") + head;
  return (
    <g data-measurement={measurement.id} className={`ms${selected ? " sel" : ""}`}>
      <path className="mk h" d={d} />
      <path className="ms" d={d} />
      {selected
        ? measurement.points.map((point, i) => {
            const [x, y] = canvasFromScoord(point, to);
            // biome-ignore lint/suspicious/noArrayIndexKey: ends have no other name
            return <rect key={i} className="hd" x={x - 4.5} y={y - 4.5} width={9} height={9} />;
          })
        : null}
    </g>
  );
}

/** Two strokes at the tip. */
function headOf([tip, tail]: [Point, Point]): string {
  const angle = Math.atan2(tail[1] - tip[1], tail[0] - tip[0]);
  const stroke = (turn: number) =>
    `M${tip[0].toFixed(2)} ${tip[1].toFixed(2)}l${(11 * Math.cos(angle + turn)).toFixed(2)} ${(11 * Math.sin(angle + turn)).toFixed(2)}`;
  return stroke(0.45) + stroke(-0.45);
}

const WIDTH = 132;

/** Right of the measurement, or left of it where there is no room. */
function Value({ measurement, to, size }: { measurement: Measurement; to: Affine; size: LayerProps["size"] }) {
  const t = useWords();
  const session = useSession();
  const lines = measurementText(session, measurement, t);
  if (lines.length === 0) return null;
  // An arrow's words stand at its tail: at its tip they would hide what it points at.
  const named = measurement.kind === "arrow" ? measurement.points.slice(1) : measurement.points;
  const { left, right, bottom } = boundsOf(named.map((point) => canvasFromScoord(point, to)));
  const x = right + WIDTH < size.width ? right + 8 : Math.max(4, left - WIDTH);
  const y = Math.min(size.height - 20 * lines.length, Math.max(4, bottom - 10));
  return (
    <span className="ms-value num" style={{ transform: `translate(${x}px,${y}px)` }} data-value={measurement.id}>
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </span>
  );
}
