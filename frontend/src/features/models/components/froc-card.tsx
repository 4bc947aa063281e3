import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Chosen } from "@/features/models/state/chosen";
import type { Evaluation, ModelVersion } from "@/lib/api-types";
import { count, decimal, interval } from "@/lib/format";
import { FROC_RATES, overall, rate } from "@/lib/metrics";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import { type ChartPoint, type ChartSeries, XYChart } from "@/ui/chart/xy-chart";

interface FrocCardProps {
  version: ModelVersion;
  evaluation: Evaluation | undefined;
  against: number | null;
  compared: Evaluation | undefined;
  chosen: Chosen | null;
  /** Not where single cases stay sealed. */
  onChoose: ((chosen: Chosen) => void) | undefined;
}

const LOW = FROC_RATES[0];
const HIGH = FROC_RATES[FROC_RATES.length - 1] ?? 8;

/** Sensitivity per lesion against false positives per image, with its 95 % band; a rate leads to what is wrong there. */
export function FrocCard({ version, evaluation, against, compared, chosen, onChoose }: FrocCardProps) {
  const { t } = useTranslation("models");
  const svg = useRef<SVGSVGElement>(null);
  const curve = evaluation?.curves.froc ?? [];
  const told = evaluation ? overall(evaluation.metrics, "sensitivity") : undefined;
  const name = `v${version.number}`;
  const series: ChartSeries[] = [];
  if (compared && against !== null)
    series.push(...drawn(`v${against}`, "var(--c2)", compared, 1.75, "square", 0.66));
  if (evaluation) series.push(...drawn(name, "var(--c1)", evaluation, 2.25, "circle", 1));
  const shown = series.filter((one) => one.points.length);
  return (
    <Card
      title="FROC"
      note={
        evaluation && told
          ? t("froc.n", { lesions: count(told.n_positive), patients: count(evaluation.n_patients) })
          : undefined
      }
      actions={
        shown.length ? (
          <ExportButtons
            name={`froc-v${version.number}`}
            svg={svg}
            rows={() => [
              ["false_positives_per_image", "sensitivity", "low", "high", "threshold"],
              ...curve.map(([positives, sensitivity, threshold]) => [
                positives,
                sensitivity,
                null,
                null,
                threshold,
              ]),
              ...atRates(evaluation).map(([at, metric]) => [at, metric.value, metric.low, metric.high, null]),
            ]}
          />
        ) : null
      }
    >
      {shown.length ? (
        <>
          <XYChart
            svgRef={svg}
            label={t("froc.label")}
            height={300}
            right={44}
            x={{ min: LOW, max: HIGH, ticks: [...FROC_RATES], label: t("froc.x"), write: rate, log: true }}
            y={{
              min: 0,
              max: 1,
              ticks: [0, 0.2, 0.4, 0.6, 0.8, 1],
              label: t("froc.y"),
              write: (value) => decimal(value, 1),
            }}
            series={shown}
          />
          {told?.value === null ? (
            <p className="sm q">{t("froc.noBand", { reason: serverWords(told.note, t) })}</p>
          ) : null}
        </>
      ) : (
        <p className="sec">{evaluation ? t("froc.none") : t("notMeasured")}</p>
      )}
    </Card>
  );

  function drawn(
    label: string,
    colour: string,
    one: Evaluation,
    width: number,
    shape: "circle" | "square",
    opacity: number,
  ): ChartSeries[] {
    const points = clipped(one.curves.froc ?? []).map(([positives, sensitivity, threshold]) => ({
      x: positives,
      y: sensitivity,
      note: t("froc.point", { sensitivity: decimal(sensitivity), threshold: decimal(threshold) }),
    }));
    const band = (one.curves.froc_band ?? []).map(([x, low, high]) => ({
      ...{ x, y: (low + high) / 2, low, high },
      note: `[${decimal(low)}, ${decimal(high)}]`,
    }));
    const isOwn = one === evaluation;
    const dots = atRates(one).map(([at, metric]): ChartPoint => {
      const threshold = thresholdAt(one.curves.froc ?? [], at);
      const note = t("froc.at", { value: interval(metric), rate: rate(at) });
      const key = `froc ${at}`;
      const label = t("cases.froc", { rate: rate(at), threshold: decimal(threshold ?? 0) });
      return {
        ...{ x: at, y: metric.value ?? 0, low: metric.low, high: metric.high, note },
        ...(isOwn && onChoose && threshold !== null
          ? {
              isOn: chosen?.key === key,
              caption: note,
              open: () => onChoose({ key, label, query: { threshold, wrong: true } }),
            }
          : {}),
      };
    });
    return [
      { name: `${label} 95 %`, colour, points: band, width: 0, shape: "none", band: true, opacity },
      { name: label, colour, points, width, shape: "none", endLabel: label },
      { name: `${label} `, colour, points: dots, width: 0, shape, bars: band.length === 0 },
    ];
  }
}

type Point = [positives: number, sensitivity: number, threshold: number];

/** What is known at the seven rates. */
function atRates(one: Evaluation | undefined) {
  return FROC_RATES.flatMap((at) => {
    const metric = one ? overall(one.metrics, `sensitivity_at_${at}`) : undefined;
    return metric && metric.value !== null ? [[at, metric] as const] : [];
  });
}

/** The lowest threshold with at most so many false positives per image. */
function thresholdAt(curve: Point[], at: number): number | null {
  const within = curve.filter(([positives]) => positives <= at + 1e-9);
  return within.length ? Math.min(...within.map(([, , threshold]) => threshold)) : null;
}

/** The curve between the two ends of the axis: what was reached before it begins at its left end, and it goes on flat. */
function clipped(curve: Point[]): Point[] {
  const sorted = [...curve].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const before = sorted.findLast(([positives]) => positives <= LOW);
  const last = sorted.findLast(([positives]) => positives <= HIGH);
  const inside = sorted.filter(([positives]) => positives > LOW && positives <= HIGH);
  if (before) inside.unshift([LOW, before[1], before[2]]);
  if (last && inside.length) inside.push([HIGH, last[1], last[2]]);
  return inside;
}
