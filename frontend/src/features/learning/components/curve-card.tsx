import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { ForecastLine } from "@/features/learning/components/forecast-line";
import { forecastPoints } from "@/features/learning/forecast-words";
import type { CurvePoint, Forecast, LeadingMetric } from "@/lib/api-types";
import { count, decimal, interval, nOf } from "@/lib/format";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import { niceTicks, placesFor } from "@/ui/chart/scale";
import { type ChartSeries, XYChart } from "@/ui/chart/xy-chart";

type Known = CurvePoint & { value: number };

interface CurveCardProps {
  slug: string;
  /** What points and forecast are measured in. */
  metric: LeadingMetric;
  points: CurvePoint[];
  forecast: Forecast;
}

/** What each version reached on VALIDATION against how many readings it learned from. */
export function CurveCard({ metric, points, forecast, slug }: CurveCardProps) {
  const { t } = useTranslation("learning");
  const svg = useRef<SVGSVGElement>(null);
  const known = points.filter((point): point is Known => point.value !== null);
  const patients = known.at(-1)?.n_patients;
  const rows = () => [
    ["n_labels", "metric", "value", "low", "high", "n_patients", "version"],
    ...points.map((one) => [
      ...[one.n_labels, one.metric, one.value, one.low, one.high, one.n_patients, one.version],
    ]),
  ];
  return (
    <Card
      title={t("curve.title")}
      actions={known.length ? <ExportButtons name={`${slug}-learning-curve`} svg={svg} rows={rows} /> : null}
    >
      {known.length ? (
        <>
          <XYChart svgRef={svg} label={t("curve.title")} height={300} {...chartOf(known)} />
          <ForecastLine forecast={forecast} metric={metric} />
        </>
      ) : (
        <p className="sec" style={{ maxWidth: 380 }}>
          {points.length ? t("curve.tooFew") : t("curve.none")}
        </p>
      )}
    </Card>
  );

  function chartOf(shown: Known[]) {
    const ahead = forecastPoints(forecast, Math.max(...shown.map((point) => point.n_labels)));
    const lows = shown.map((point) => point.low ?? point.value);
    const highs = [...shown.map((point) => point.high ?? point.value), ...ahead.map((point) => point.y)];
    const yTicks = niceTicks(Math.max(0, Math.min(...lows)), Math.min(1, Math.max(...highs)), 5);
    const most = Math.max(...shown.map((point) => point.n_labels), ...ahead.map((point) => point.x));
    const xTicks = niceTicks(0, most, 4);
    const series: ChartSeries[] = [
      {
        name: t("curve.title"),
        colour: "var(--c1)",
        shape: "circle",
        width: 2.25,
        band: true,
        bars: shown.length === 1,
        endLabel: `v${shown.at(-1)?.version ?? ""}`,
        points: shown.map((point) => ({
          x: point.n_labels,
          y: point.value,
          low: point.low,
          high: point.high,
          note: `v${point.version}: ${interval(point, 3)} ${nOf(point.n_patients)}`,
        })),
      },
    ];
    if (ahead.length) {
      const name = t("forecast.line");
      series.push({ name, colour: "var(--n8)", points: ahead, shape: "none", dashed: true, endLabel: name });
    }
    return {
      right: 70,
      series,
      x: { min: 0, max: xTicks.at(-1) ?? most, ticks: xTicks, label: t("curve.labels"), write: count },
      y: {
        min: yTicks[0] ?? 0,
        max: yTicks.at(-1) ?? 1,
        ticks: yTicks,
        label: t("curve.axis", {
          metric: t(`metric.${metric}`),
          n: patients === undefined ? "" : nOf(patients),
        }),
        write: (value: number) => decimal(value, placesFor(yTicks)),
      },
    };
  }
}
