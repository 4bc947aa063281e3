import type { Ref } from "react";
import { useTranslation } from "react-i18next";
import { lossMeans } from "@/features/learning/loss-trace";
import type { Round } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { niceTicks, placesFor } from "@/ui/chart/scale";
import { type ChartSeries, XYChart } from "@/ui/chart/xy-chart";

const HEIGHT = 232;

/** Whether there is a line to draw. */
export const hasLoss = (round: Round) => round.loss.length > 1;

/**
 * Training loss over the steps: the raw trace thin, its running mean in the accent. Where a second training learned from
 * unread images, too, a line tells the two apart: the loss starts anew there.
 */
export function LossChart({ round, svgRef }: { round: Round; svgRef: Ref<SVGSVGElement> }) {
  const { t } = useTranslation("learning");
  const { loss } = round;
  if (!hasLoss(round)) {
    return (
      <div
        className="q sm"
        style={{ height: HEIGHT, display: "flex", alignItems: "center", justifyContent: "center" }}
      >
        {t("loss.none")}
      </div>
    );
  }
  const second = round.second_from;
  const { first, last } = lossMeans(round);
  const lastStep = Math.max(round.progress.steps ?? 0, loss.at(-1)?.[0] ?? 1);
  const top = Math.max(...loss.map(([, value]) => value));
  const yTicks = niceTicks(0, top, 4);
  const xTicks = niceTicks(0, lastStep, 4).filter((tick) => tick <= lastStep);
  const series: ChartSeries[] = [
    { name: t("loss.raw"), colour: "var(--n8)", points: toPoints(loss), shape: "none", width: 1, opacity: 0.55 },
  ];
  if (first.length) series.push(mean(t("loss.first"), first, last.length === 0));
  if (last.length) series.push(mean(t(second === null ? "loss.training" : "loss.second"), last, true));
  return (
    <XYChart
      svgRef={svgRef}
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
    >
      {(x, y) =>
        second === null || last.length === 0 ? null : (
          <>
            <line className="gr" x1={x(second)} x2={x(second)} y1={y(y.min)} y2={y(y.max)} />
            <text x={x(second) + 6} y={y(y.max) + 12}>
              {t("loss.unread", { count: round.n_unread, shown: count(round.n_unread) })}
            </text>
          </>
        )
      }
    </XYChart>
  );

  function mean(name: string, points: [number, number][], isEnd: boolean): ChartSeries {
    const endLabel = isEnd ? `${t("loss.training")} ${decimal(points.at(-1)?.[1] ?? 0)}` : undefined;
    return { name, colour: "var(--c1)", points: toPoints(points), shape: "none", endLabel };
  }
}

const toPoints = (pairs: [number, number][]) => pairs.map(([x, y]) => ({ x, y }));
