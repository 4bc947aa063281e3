import { useTranslation } from "react-i18next";
import type { Round } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { niceTicks, placesFor } from "@/ui/chart/scale";
import { type ChartSeries, XYChart } from "@/ui/chart/xy-chart";

const HEIGHT = 232;

/** Training loss over the steps: the raw trace thin, its running mean in the accent. */
export function LossChart({ round }: { round: Round }) {
  const { t } = useTranslation("learning");
  const { loss } = round;
  if (loss.length < 2) {
    return (
      <div
        className="q sm"
        style={{ height: HEIGHT, display: "flex", alignItems: "center", justifyContent: "center" }}
      >
        {t("loss.none")}
      </div>
    );
  }
  const smooth = runningMean(loss);
  const lastStep = Math.max(round.progress.steps ?? 0, loss.at(-1)?.[0] ?? 1);
  const top = Math.max(...loss.map(([, value]) => value));
  const yTicks = niceTicks(0, top, 4);
  const xTicks = niceTicks(0, lastStep, 4).filter((tick) => tick <= lastStep);
  const series: ChartSeries[] = [
    { name: t("loss.raw"), colour: "var(--n8)", points: toPoints(loss), shape: "none", width: 1, opacity: 0.55 },
    {
      name: t("loss.training"),
      colour: "var(--c1)",
      points: toPoints(smooth),
      shape: "none",
      endLabel: `${t("loss.training")} ${decimal(smooth.at(-1)?.[1] ?? 0)}`,
    },
  ];
  return (
    <XYChart
      label={t("loss.label")}
      height={HEIGHT}
      right={104}
      x={{ min: 0, max: lastStep, ticks: xTicks, label: t("loss.step"), write: count }}
      y={{
        min: 0,
        max: yTicks.at(-1) ?? top,
        ticks: yTicks,
        label: t("loss.loss"),
        write: (value) => decimal(value, placesFor(yTicks)),
      }}
      series={series}
    />
  );
}

const toPoints = (pairs: [number, number][]) => pairs.map(([x, y]) => ({ x, y }));

/** Mean over a window of a twelfth of the trace: what the eye would draw. */
function runningMean(pairs: [number, number][]): [number, number][] {
  const half = Math.max(1, Math.floor(pairs.length / 24));
  return pairs.map(([step], index) => {
    const window = pairs.slice(Math.max(0, index - half), index + half + 1);
    return [step, window.reduce((sum, [, value]) => sum + value, 0) / window.length];
  });
}
