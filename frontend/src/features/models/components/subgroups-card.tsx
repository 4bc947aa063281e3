import { useElementSize } from "@mantine/hooks";
import { type Ref, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Chosen } from "@/features/models/state/chosen";
import { groupName } from "@/features/models/state/subgroup-names";
import type { Evaluation, FindingType, Metric, ModelVersion, Subgroup } from "@/lib/api-types";
import { count, decimal, interval, middle } from "@/lib/format";
import { overall } from "@/lib/metrics";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import { linearScale, niceTicks, placesFor, type Scale } from "@/ui/chart/scale";

const METRICS = [
  "sensitivity",
  "false_positives_per_image",
  "dice",
  "nsd",
  "hd95_mm",
  "auc",
  "average_precision",
] as const;
type Shown = (typeof METRICS)[number];
/** Fewer false positives and shorter distances are better; their axes begin at 0 and end nowhere, shares end at 1. */
const LOWER_IS_BETTER: ReadonlySet<Shown> = new Set(["false_positives_per_image", "hd95_mm"]);
/** It falls with the share of images that bear a lesion: a group with fewer of them is not worse for that. */
const NOT_COMPARED: ReadonlySet<Shown> = new Set(["average_precision"]);

interface SubgroupsCardProps {
  version: ModelVersion;
  evaluation: Evaluation | undefined;
  types: FindingType[];
  chosen: Chosen | null;
  onChoose: ((chosen: Chosen) => void) | undefined;
}

/** Each group as dot and interval against all; a group whose interval lies on the worse side of all carries ▼ or ▲. */
export function SubgroupsCard({ version, evaluation, types, chosen, onChoose }: SubgroupsCardProps) {
  const { t } = useTranslation("models");
  const svg = useRef<SVGSVGElement>(null);
  const [wanted, setMetric] = useState<Shown>("sensitivity");
  const groups = evaluation?.subgroups ?? [];
  // A version that was measured before has fewer; in a project without spacings nothing is told in millimetres.
  const measured = METRICS.filter(
    (name) =>
      evaluation && overall(evaluation.metrics, name) && groups[0]?.metrics.some((one) => one.metric === name),
  );
  const metric = measured.includes(wanted) ? wanted : "sensitivity";
  const all = evaluation ? overall(evaluation.metrics, metric) : undefined;
  return (
    <Card
      title={t("subgroups.title")}
      note={t(
        NOT_COMPARED.has(metric)
          ? "subgroups.notCompared"
          : LOWER_IS_BETTER.has(metric)
            ? "subgroups.noteHigher"
            : "subgroups.note",
      )}
      actions={
        <>
          <select
            aria-label={t("subgroups.metric")}
            className="in d"
            value={metric}
            onChange={(event) => setMetric(event.currentTarget.value as Shown)}
          >
            {measured.map((name) => (
              <option key={name} value={name}>
                {t(`metric.${name}`)}
              </option>
            ))}
          </select>
          {groups.length ? (
            <ExportButtons name={`subgroups-v${version.number}-${metric}`} svg={svg} rows={table} />
          ) : null}
        </>
      }
    >
      {groups.length ? (
        <Forest
          svgRef={svg}
          label={t("subgroups.label", { metric: t(`metric.${metric}`) })}
          metric={metric}
          all={all}
          rows={groups.map(rowOf)}
          onChoose={onChoose}
        />
      ) : (
        <p className="sec">{evaluation ? t("subgroups.none") : t("notMeasured")}</p>
      )}
    </Card>
  );

  function rowOf(one: Subgroup, index: number): ForestRow {
    const name = groupName(one, types, t);
    const dimension = t(`subgroups.dimension.${one.dimension}`, { defaultValue: one.dimension });
    const key = `group ${one.dimension} ${one.group}`;
    return {
      ...{ key, name, dimension: one.dimension === groups[index - 1]?.dimension ? "" : dimension },
      metric: one.metrics.find((candidate) => candidate.metric === metric),
      patients: one.n_patients,
      isOn: chosen?.key === key,
      chosen: {
        key,
        label: t("cases.group", { dimension, group: name }),
        query: { dimension: one.dimension, group: one.group },
      },
    };
  }

  function table(): (string | number | null)[][] {
    const told = groups.flatMap((one) =>
      one.metrics.map((value) => [
        ...[one.dimension, groupName(one, types, t), value.metric, value.value, value.low, value.high],
        ...[value.n_patients, value.n_positive, value.note],
      ]),
    );
    return [["dimension", "group", "metric", "value", "low", "high", "n_patients", "n_positive", "note"], ...told];
  }
}

interface ForestRow {
  key: string;
  /** Empty where the row above names it. */
  dimension: string;
  name: string;
  metric: Metric | undefined;
  patients: number;
  isOn: boolean;
  chosen: Chosen;
}

interface ForestProps {
  svgRef: Ref<SVGSVGElement>;
  label: string;
  metric: Shown;
  all: Metric | undefined;
  rows: ForestRow[];
  onChoose: ((chosen: Chosen) => void) | undefined;
}

const ROW = 25;
const TOP = 26;
/** Where the names begin, where the plot begins, and what the columns at the right take. */
const NAMES = 92;
const PLOT = 226;
const VALUES = 196;
const COUNT = 40;

function Forest({ label, ...rest }: ForestProps) {
  const { ref, width } = useElementSize();
  return (
    <div ref={ref} style={{ width: "100%", minHeight: TOP + ROW * (rest.rows.length + 2) }}>
      {width > 0 ? <ForestDrawing label={label} width={Math.floor(width)} {...rest} /> : null}
      <table className="visually-hidden">
        <caption>{label}</caption>
        <tbody>
          {rest.rows.map((row) => (
            <tr key={row.key}>
              <th>{row.chosen.label}</th>
              <td>{row.metric ? (interval(row.metric, PLACES[rest.metric]) ?? row.metric.note) : ""}</td>
              <td>{row.metric?.n_patients ?? row.patients}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const PLACES: Record<Shown, number> = {
  sensitivity: 2,
  false_positives_per_image: 2,
  dice: 3,
  nsd: 3,
  hd95_mm: 1,
  auc: 2,
  average_precision: 2,
};

function ForestDrawing({ svgRef, label, metric, all, rows, onChoose, width }: ForestProps & { width: number }) {
  const { t } = useTranslation("models");
  const title = useId();
  const known = [all, ...rows.map((row) => row.metric)].filter(
    (one): one is Metric => one !== undefined && one.value !== null,
  );
  const ticks = ticksOf(known, metric);
  const right = width - VALUES - COUNT;
  const x = linearScale(ticks[0] ?? 0, ticks.at(-1) ?? 1, PLOT, right);
  const foot = TOP + ROW * (rows.length + 1);
  const shared = { x, all, metric, width };
  return (
    <svg
      ref={svgRef}
      className="chart"
      width={width}
      height={foot + 22}
      viewBox={`0 0 ${width} ${foot + 22}`}
      role={onChoose ? "group" : "img"}
      aria-labelledby={title}
    >
      <title id={title}>{label}</title>
      {ticks.map((tick) => (
        <g key={tick}>
          <line className="gr" x1={x(tick)} x2={x(tick)} y1={TOP} y2={foot} />
          {[12, foot + 15].map((y) => (
            <text key={y} x={x(tick)} y={y} textAnchor="middle">
              {decimal(tick, placesFor(ticks))}
            </text>
          ))}
        </g>
      ))}
      <text x={width - COUNT} y={12} textAnchor="end">
        {t("subgroups.value")}
      </text>
      <text x={width} y={12} textAnchor="end">
        n
      </text>
      {NOT_COMPARED.has(metric) ? null : <OverallBand all={all} x={x} foot={foot} />}
      <Row
        {...shared}
        y={TOP}
        isAll
        name={t("subgroups.all")}
        dimension=""
        one={all}
        patients={all?.n_patients ?? 0}
      />
      {rows.map((row, index) => (
        <Row
          key={row.key}
          {...shared}
          y={TOP + ROW * (index + 1)}
          name={row.name}
          dimension={row.dimension}
          one={row.metric}
          patients={row.metric?.n_patients ?? row.patients}
          isOn={row.isOn}
          choose={onChoose ? () => onChoose(row.chosen) : undefined}
          says={row.chosen.label}
        />
      ))}
    </svg>
  );
}

/** A share's axis ends at 1; one of which less is better begins at 0. */
function ticksOf(known: Metric[], metric: Shown): number[] {
  if (!known.length) return [0, 1];
  const low = Math.min(...known.map((one) => one.low ?? one.value ?? 0));
  const high = Math.max(...known.map((one) => one.high ?? one.value ?? 1));
  return LOWER_IS_BETTER.has(metric)
    ? niceTicks(0, Math.max(high, 0.1), 5)
    : niceTicks(Math.max(0, low), Math.min(1, Math.max(high, low + 0.05)), 5);
}

function OverallBand({ all, x, foot }: { all: Metric | undefined; x: Scale; foot: number }) {
  if (!all || all.value === null || all.low === null || all.high === null) return null;
  return (
    <>
      <rect
        x={x(all.low)}
        y={TOP}
        width={Math.max(0, x(all.high) - x(all.low))}
        height={foot - TOP}
        fill="var(--c1)"
        opacity={0.1}
      />
      <line x1={x(all.value)} x2={x(all.value)} y1={TOP} y2={foot} stroke="var(--n7)" strokeDasharray="1 3" />
    </>
  );
}

interface RowProps {
  x: Scale;
  y: number;
  width: number;
  metric: Shown;
  all: Metric | undefined;
  one: Metric | undefined;
  dimension: string;
  name: string;
  patients: number;
  isAll?: boolean;
  isOn?: boolean;
  choose?: (() => void) | undefined;
  says?: string;
}

function Row({ x, y, width, metric, all, one, dimension, name, patients, isAll, isOn, choose, says }: RowProps) {
  const { t } = useTranslation("models");
  const centre = y + ROW / 2;
  const side = isAll ? "" : worseSide(one, all, metric);
  const colour = isAll ? "var(--c1)" : side ? "var(--c3)" : "var(--c2)";
  const text = one ? interval(one, PLACES[metric]) : null;
  const drawn = (
    <>
      <rect
        className="hit"
        x={0}
        y={y}
        width={width}
        height={ROW}
        fill={isOn ? "var(--n4)" : "transparent"}
        opacity={0.7}
      />
      {isOn ? <rect x={0} y={y} width={3} height={ROW} fill="var(--accent)" /> : null}
      {dimension ? <line x1={0} x2={width} y1={y + 0.5} y2={y + 0.5} stroke="#232323" /> : null}
      <text x={isOn ? 8 : 0} y={centre + 4}>
        {dimension}
      </text>
      <text className={isAll ? "st" : "lb"} x={isAll ? 0 : NAMES} y={centre + 4}>
        {middle(name, 20)}
        {name.length > 20 ? <title>{name}</title> : null}
      </text>
      {one && one.value !== null ? (
        <>
          {one.low !== null && one.high !== null ? (
            <line x1={x(one.low)} x2={x(one.high)} y1={centre} y2={centre} stroke={colour} strokeWidth={2} />
          ) : null}
          <circle cx={x(one.value)} cy={centre} r={4} fill={colour} stroke="var(--n2)" strokeWidth={1.25} />
        </>
      ) : (
        <text x={PLOT + 8} y={centre + 4}>
          {serverWords(one?.note ?? "", t)}
        </text>
      )}
      {text ? (
        <text className={isAll ? "st" : "lb"} x={width - COUNT} y={centre + 4} textAnchor="end">
          {side ? `${side} ${text}` : text}
        </text>
      ) : null}
      <text x={width} y={centre + 4} textAnchor="end">
        {count(patients)}
      </text>
    </>
  );
  if (!choose) return <g>{drawn}</g>;
  return (
    // biome-ignore lint/a11y/useSemanticElements: there is no button element inside of an SVG
    <g
      role="button"
      tabIndex={0}
      aria-label={`${says ?? name}: ${text ?? serverWords(one?.note ?? "", t)}`}
      aria-pressed={isOn ?? false}
      className="pt rw"
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      }}
    >
      {drawn}
    </g>
  );
}

/** ▼ where the whole interval lies below the overall value, ▲ where it lies above and more is worse. */
function worseSide(one: Metric | undefined, all: Metric | undefined, metric: Shown): string {
  if (NOT_COMPARED.has(metric)) return "";
  if (!one || one.low === null || one.high === null || typeof all?.value !== "number") return "";
  if (LOWER_IS_BETTER.has(metric)) return one.low > all.value ? "▲" : "";
  return one.high < all.value ? "▼" : "";
}
