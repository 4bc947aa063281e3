import { useElementSize } from "@mantine/hooks";
import { type ReactNode, useId } from "react";
import { linearScale, logScale, type Scale } from "@/ui/chart/scale";

export interface ChartPoint {
  x: number;
  y: number;
  low?: number | null;
  high?: number | null;
  /** Said on hover and in the table for screen readers. */
  note?: string;
  /** What a click on the point does. */
  open?: () => void;
  /** It is the point under discussion. */
  isOn?: boolean;
  /** Written beside the point under discussion. */
  caption?: string;
}

export interface ChartSeries {
  name: string;
  colour: string;
  points: ChartPoint[];
  shape?: "circle" | "square" | "none";
  /** 2.25 for the series under discussion, 1.75 for others, 1 for raw traces. */
  width?: number;
  dashed?: boolean;
  /** Its interval as a band. */
  band?: boolean;
  /** Its interval as a bar at each point. */
  bars?: boolean;
  /** Of its line, points and bars; a band keeps the share of it that a band has. */
  opacity?: number;
  /** Written at the end of the line; nothing when empty. */
  endLabel?: string;
}

export interface ChartAxis {
  min: number;
  max: number;
  ticks: number[];
  label: string;
  write: (value: number) => string;
  log?: boolean;
}

interface XYChartProps {
  label: string;
  height: number;
  x: ChartAxis;
  y: ChartAxis;
  series: ChartSeries[];
  /** Room at the right for the names at the lines' ends. */
  right?: number;
  /** Further drawing in the chart's own coordinates. */
  children?: (x: Scale, y: Scale) => ReactNode;
  /** Further drawing below the x axis, `height` pixels of it. */
  foot?: { height: number; draw: (x: Scale, top: number) => ReactNode };
  svgRef?: React.Ref<SVGSVGElement>;
}

const LEFT = 34;
const TOP = 26;
const BOTTOM = 34;

/** Lines with intervals: no frame, quiet horizontal grid, the series named at their ends. */
export function XYChart({ label, height, x, y, series, right = 84, children, foot, svgRef }: XYChartProps) {
  const { ref, width } = useElementSize();
  return (
    <div ref={ref} style={{ width: "100%", height, overflow: "hidden" }}>
      {width > 0 ? (
        <Drawing
          label={label}
          width={Math.floor(width)}
          height={height}
          x={x}
          y={y}
          series={series}
          right={right}
          foot={foot}
          svgRef={svgRef}
        >
          {children}
        </Drawing>
      ) : null}
    </div>
  );
}

function Drawing({
  label,
  width,
  height,
  x,
  y,
  series,
  right,
  children,
  foot,
  svgRef,
}: XYChartProps & { width: number; right: number }) {
  const title = useId();
  const ground = height - BOTTOM - (foot?.height ?? 0);
  const opens = series.some((one) => one.points.some((point) => point.open));
  const xScale = (x.log ? logScale : linearScale)(x.min, x.max, LEFT, width - right);
  const yScale = linearScale(y.min, y.max, ground, TOP);
  return (
    <>
      <svg
        ref={svgRef}
        className="chart"
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role={opens ? "group" : "img"}
        aria-labelledby={title}
      >
        <title id={title}>{label}</title>
        <text className="lb" x={0} y={10}>
          {y.label}
        </text>
        {y.ticks.map((tick) => (
          <g key={tick}>
            <line className="gr" x1={LEFT} x2={width - right} y1={yScale(tick)} y2={yScale(tick)} />
            <text x={LEFT - 8} y={yScale(tick) + 4} textAnchor="end">
              {y.write(tick)}
            </text>
          </g>
        ))}
        <line className="ax" x1={LEFT} x2={width - right} y1={ground + 0.5} y2={ground + 0.5} />
        {x.ticks.map((tick) => (
          <text key={tick} x={xScale(tick)} y={ground + 16} textAnchor="middle">
            {x.write(tick)}
          </text>
        ))}
        <text x={width - right} y={height - 3} textAnchor="end">
          {x.label}
        </text>
        {series.map((one) => (one.band ? <Band key={one.name} series={one} x={xScale} y={yScale} /> : null))}
        {children?.(xScale, yScale)}
        {foot?.draw(xScale, ground + 24)}
        {series.map((one) => (
          <Line key={one.name} series={one} x={xScale} y={yScale} />
        ))}
        <EndLabels series={series} x={xScale} y={yScale} />
      </svg>
      <table className="visually-hidden">
        <caption>{label}</caption>
        <tbody>
          {series.flatMap((one) =>
            one.points.map((point) => (
              <tr key={`${one.name} ${point.x}`}>
                <th>{one.name}</th>
                <td>{x.write(point.x)}</td>
                <td>{point.note ?? y.write(point.y)}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </>
  );
}

interface PartProps {
  series: ChartSeries;
  x: Scale;
  y: Scale;
}

function pathOf(points: [number, number][]): string {
  return points.map(([px, py], index) => `${index ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
}

function Band({ series, x, y }: PartProps) {
  const known = series.points.filter((point) => typeof point.low === "number" && typeof point.high === "number");
  if (known.length < 2) return null;
  const upper = known.map((point): [number, number] => [x(point.x), y(point.high ?? point.y)]);
  const lower = known.map((point): [number, number] => [x(point.x), y(point.low ?? point.y)]).reverse();
  return (
    <path d={`${pathOf([...upper, ...lower])}Z`} fill={series.colour} opacity={0.18 * (series.opacity ?? 1)} />
  );
}

function Line({ series, x, y }: PartProps) {
  const { points, colour, shape = "circle", width = 2.25 } = series;
  return (
    <g opacity={series.opacity}>
      {series.bars
        ? points.map((point) =>
            typeof point.low === "number" && typeof point.high === "number" ? (
              <line
                key={point.x}
                x1={x(point.x)}
                x2={x(point.x)}
                y1={y(point.low)}
                y2={y(point.high)}
                stroke={colour}
                strokeWidth={1.75}
                opacity={0.7}
              />
            ) : null,
          )
        : null}
      {width > 0 ? (
        <path
          d={pathOf(points.map((point): [number, number] => [x(point.x), y(point.y)]))}
          fill="none"
          stroke={colour}
          strokeWidth={width}
          strokeLinejoin="round"
          strokeDasharray={series.dashed ? "5 4" : undefined}
        />
      ) : null}
      {shape === "none"
        ? null
        : points.map((point) => <Dot key={point.x} point={point} shape={shape} colour={colour} x={x} y={y} />)}
    </g>
  );
}

interface DotProps {
  point: ChartPoint;
  shape: "circle" | "square";
  colour: string;
  x: Scale;
  y: Scale;
}

/** One point; where it opens something it is a button with a target wider than itself. */
function Dot({ point, shape, colour, x, y }: DotProps) {
  const { open, note, isOn, caption } = point;
  const [px, py] = [x(point.x), y(point.y)];
  const isFar = px > (x(x.min) + x(x.max)) / 2;
  const drawn = (
    <>
      {isOn ? <circle cx={px} cy={py} r={7.5} fill="none" stroke="var(--n10)" strokeWidth={1.75} /> : null}
      {shape === "circle" ? (
        <circle cx={px} cy={py} r={3.5} fill={colour} stroke="var(--n2)" strokeWidth={1.25} />
      ) : (
        <rect x={px - 3} y={py - 3} width={6} height={6} fill={colour} stroke="var(--n2)" strokeWidth={1.25} />
      )}
      {isOn && caption ? (
        <text className="st" x={isFar ? px - 10 : px + 10} y={py + 24} textAnchor={isFar ? "end" : "start"}>
          {caption}
        </text>
      ) : null}
      {note ? <title>{note}</title> : null}
    </>
  );
  if (!open) return <g data-point>{drawn}</g>;
  return (
    // biome-ignore lint/a11y/useSemanticElements: there is no button element inside of an SVG
    <g
      data-point
      role="button"
      tabIndex={0}
      aria-label={note}
      aria-pressed={isOn ?? false}
      className="pt"
      onClick={open}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open();
      }}
    >
      <circle cx={px} cy={py} r={12} fill="transparent" />
      {drawn}
    </g>
  );
}

const GAP = 14;

/** Names at the ends, pushed apart so that none hides another. */
function EndLabels({ series, x, y }: { series: ChartSeries[]; x: Scale; y: Scale }) {
  const ends = series
    .flatMap((one) => {
      const last = one.points.at(-1);
      return one.endLabel && last
        ? [{ text: one.endLabel, colour: one.colour, px: x(last.x) + 9, py: y(last.y) + 4 }]
        : [];
    })
    .sort((a, b) => a.py - b.py);
  let floor = Number.NEGATIVE_INFINITY;
  return ends.map((end) => {
    floor = Math.max(end.py, floor + GAP);
    return (
      <text key={end.text} className="st" x={end.px} y={floor} style={{ fill: end.colour }}>
        {end.text}
      </text>
    );
  });
}
