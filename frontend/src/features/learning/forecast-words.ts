import type { TFunction } from "i18next";
import type { Forecast, LeadingMetric } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";

/** The sentence below the learning curve, in the number that the curve shows. */
export function forecastWords(forecast: Forecast, metric: LeadingMetric, t: TFunction): string {
  const target = decimal(forecast.target);
  const aim = t(`forecast.aim.${metric}`, { target });
  if (forecast.answer === "about" && forecast.more !== null && forecast.low !== null && forecast.high !== null) {
    const { more, low, high } = forecast;
    return t("forecast.about", { aim, more: count(more), low: count(low), high: count(high) });
  }
  if (forecast.answer === "reached") return t(`forecast.reached.${metric}`, { target });
  return t(`forecast.${forecast.reason || "few_points"}`, { aim });
}

/** The law from the last measured version on to where the target is surely reached; nothing where that cannot be told. */
export function forecastPoints(forecast: Forecast, last: number): { x: number; y: number }[] {
  if (forecast.answer !== "about" || forecast.high === null) return [];
  const end = last + forecast.high;
  return forecast.curve.flatMap(([x, y]) =>
    x !== undefined && y !== undefined && x >= last && x <= end ? [{ x, y }] : [],
  );
}
