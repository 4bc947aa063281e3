import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Evaluation, FindingType, Metric } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { byType, overall } from "@/lib/metrics";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { linearScale, niceTicks, placesFor, type Scale } from "@/ui/chart/scale";
import { MetricValue } from "@/ui/metric-value";
import { Segmented } from "@/ui/segmented";
import { Swatch } from "@/ui/swatch";

const METRICS = ["dice", "auc", "average_precision"] as const;
type Shown = (typeof METRICS)[number];

/** Each finding type as dot and interval against the overall value; a type that is surely lower carries ▼. */
export function TypesCard({ evaluation, types }: { evaluation: Evaluation | undefined; types: FindingType[] }) {
  const { t } = useTranslation("models");
  const [metric, setMetric] = useState<Shown>("dice");
  const all = evaluation ? overall(evaluation.metrics, metric) : undefined;
  const rows = evaluation ? byType(evaluation.metrics, metric) : [];
  return (
    <Card
      bare
      title={t("types.title")}
      note={t("types.note")}
      actions={
        <Segmented<Shown>
          label={t("types.metric")}
          value={metric}
          onChange={setMetric}
          options={METRICS.map((value) => ({ value, label: t(`metric.${value}`) }))}
        />
      }
    >
      {all || rows.length ? (
        <Rows all={all} rows={rows} types={types} places={metric === "dice" ? 3 : 2} />
      ) : (
        <p className="sec" style={{ padding: "0 16px 16px" }}>
          {evaluation ? t("types.none") : t("notMeasured")}
        </p>
      )}
    </Card>
  );
}

interface RowsProps {
  all: Metric | undefined;
  rows: Metric[];
  types: FindingType[];
  places: number;
}

function Rows({ all, rows, types, places }: RowsProps) {
  const { t } = useTranslation("models");
  const known = [all, ...rows].filter((one): one is Metric => one !== undefined && one.value !== null);
  const low = Math.min(...known.map((one) => one.low ?? one.value ?? 1), 1);
  const high = Math.max(...known.map((one) => one.high ?? one.value ?? 0), 0);
  const ticks = known.length ? niceTicks(low, high, 5) : [0, 1];
  const x = linearScale(ticks[0] ?? 0, ticks.at(-1) ?? 1, 4, 96);
  return (
    <table style={{ "--rh": "32px", tableLayout: "fixed" } as React.CSSProperties}>
      <colgroup>
        <col style={{ width: 200 }} />
        <col />
        <col style={{ width: 180 }} />
        <col style={{ width: 64 }} />
      </colgroup>
      <thead>
        <tr>
          <th>{t("types.type")}</th>
          <th style={{ padding: 0 }}>
            <div className="num" style={{ fontWeight: 400, position: "relative", height: 11 }}>
              {ticks.map((tick) => (
                <span
                  key={tick}
                  style={{ position: "absolute", left: `${x(tick)}%`, transform: "translateX(-50%)" }}
                >
                  {decimal(tick, placesFor(ticks))}
                </span>
              ))}
            </div>
          </th>
          <th className="r">{t("types.value")}</th>
          <th className="r">n</th>
        </tr>
      </thead>
      <tbody>
        {all ? (
          <Row name={<b className="b">{t("types.all")}</b>} metric={all} all={all} x={x} places={places} isAll />
        ) : null}
        {rows.map((one) => {
          const type = types.find((candidate) => candidate.id === one.finding_type);
          const name = (
            <span className="row" style={{ gap: 8 }}>
              {type?.scope === "lesion" ? <Swatch colour={type.colour} model /> : null}
              <span className="ell">{type?.name ?? `${one.finding_type}`}</span>
            </span>
          );
          return <Row key={one.finding_type} name={name} metric={one} all={all} x={x} places={places} />;
        })}
      </tbody>
    </table>
  );
}

interface RowProps {
  name: React.ReactNode;
  metric: Metric;
  all: Metric | undefined;
  x: Scale;
  places: number;
  isAll?: boolean;
}

function Row({ name, metric, all, x, places, isAll }: RowProps) {
  const { t } = useTranslation("models");
  const isLower = !isAll && metric.high !== null && typeof all?.value === "number" && metric.high < all.value;
  const colour = isAll ? "var(--c1)" : isLower ? "var(--c3)" : "var(--c2)";
  return (
    <tr>
      <td className="ell">{name}</td>
      <td style={{ padding: 0, position: "relative" }}>
        {typeof all?.low === "number" && typeof all.high === "number" ? (
          <span
            aria-hidden="true"
            style={{
              position: "absolute",
              top: 0,
              bottom: 0,
              left: `${x(all.low)}%`,
              width: `${x(all.high) - x(all.low)}%`,
              background: "color-mix(in srgb, var(--c1) 10%, transparent)",
            }}
          />
        ) : null}
        {metric.value === null ? (
          <span className="q sm" style={{ paddingLeft: 10, position: "relative" }}>
            {serverWords(metric.note, t)}
          </span>
        ) : (
          <svg width="100%" height="32" aria-hidden="true" style={{ display: "block", position: "relative" }}>
            {metric.low !== null && metric.high !== null ? (
              <line
                x1={`${x(metric.low)}%`}
                x2={`${x(metric.high)}%`}
                y1="16"
                y2="16"
                stroke={colour}
                strokeWidth="2"
              />
            ) : null}
            <circle cx={`${x(metric.value)}%`} cy="16" r="4" fill={colour} stroke="var(--n2)" strokeWidth="1.25" />
          </svg>
        )}
      </td>
      <td className="r">
        {isLower ? "▼ " : ""}
        <MetricValue metric={metric} places={places} />
      </td>
      <td className="r num sec">{count(metric.n_patients)}</td>
    </tr>
  );
}
