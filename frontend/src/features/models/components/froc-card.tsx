import { IconDownload } from "@tabler/icons-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Evaluation, ModelVersion } from "@/lib/api-types";
import { csvOf, download, downloadSvg } from "@/lib/download";
import { count, decimal, interval } from "@/lib/format";
import { FROC_RATES, overall, rate } from "@/lib/metrics";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { type ChartPoint, type ChartSeries, XYChart } from "@/ui/chart/xy-chart";

interface FrocCardProps {
  version: ModelVersion;
  evaluation: Evaluation | undefined;
  against: number | null;
  compared: Evaluation | undefined;
}

const LOW = FROC_RATES[0];
const HIGH = FROC_RATES[FROC_RATES.length - 1] ?? 8;

/** Sensitivity per lesion against false positives per image, with intervals at the seven usual rates. */
export function FrocCard({ version, evaluation, against, compared }: FrocCardProps) {
  const { t } = useTranslation("models");
  const svg = useRef<SVGSVGElement>(null);
  const curve = evaluation?.curves.froc ?? [];
  const lesions = evaluation ? overall(evaluation.metrics, "sensitivity")?.n_positive : undefined;
  const name = `v${version.number}`;
  const series: ChartSeries[] = [];
  if (compared && against !== null) {
    series.push(
      line(`v${against}`, "var(--c2)", compared, 1.75),
      dots(`v${against} `, "var(--c2)", compared, "square"),
    );
  }
  if (evaluation) {
    series.push(line(name, "var(--c1)", evaluation, 2.25), dots(`${name} `, "var(--c1)", evaluation, "circle"));
  }
  const drawn = series.filter((one) => one.points.length);
  const saveCsv = () =>
    download(
      `froc-v${version.number}.csv`,
      "text/csv",
      csvOf([["false_positives_per_image", "sensitivity", "threshold"], ...curve.map((point) => [...point])]),
    );
  return (
    <Card
      title="FROC"
      note={
        evaluation && lesions !== undefined
          ? t("froc.n", { lesions: count(lesions), patients: count(evaluation.n_patients) })
          : undefined
      }
      actions={
        drawn.length ? (
          <>
            <Button
              dense
              variant="ghost"
              icon={<IconDownload size={16} stroke={1.6} />}
              onClick={() => svg.current && downloadSvg(`froc-v${version.number}.svg`, svg.current)}
            >
              SVG
            </Button>
            <Button dense variant="ghost" icon={<IconDownload size={16} stroke={1.6} />} onClick={saveCsv}>
              CSV
            </Button>
          </>
        ) : null
      }
    >
      {drawn.length ? (
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
          series={drawn}
        />
      ) : (
        <p className="sec">{evaluation ? t("froc.none") : t("notMeasured")}</p>
      )}
    </Card>
  );

  function line(label: string, colour: string, one: Evaluation, width: number): ChartSeries {
    const points = clipped(one.curves.froc ?? []).map(([positives, sensitivity, threshold]) => ({
      x: positives,
      y: sensitivity,
      note: t("froc.point", { sensitivity: decimal(sensitivity), threshold: decimal(threshold) }),
    }));
    return { name: label, colour, points, width, shape: "none", endLabel: label };
  }

  function dots(label: string, colour: string, one: Evaluation, shape: "circle" | "square"): ChartSeries {
    const points: ChartPoint[] = FROC_RATES.flatMap((at) => {
      const metric = overall(one.metrics, `sensitivity_at_${at}`);
      if (!metric || metric.value === null) return [];
      const note = t("froc.at", { value: interval(metric), rate: rate(at) });
      return [{ x: at, y: metric.value, low: metric.low, high: metric.high, note }];
    });
    return { name: label, colour, points, width: 0, shape, bars: true };
  }
}

type Point = [positives: number, sensitivity: number, threshold: number];

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
