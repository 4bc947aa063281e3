import type { Forecast } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";

/** The sentence below the learning curve: its key among the words of the page, and the numbers in it. */
export function forecastWords(forecast: Forecast): { key: string; values: Record<string, string | number> } {
  const target = decimal(forecast.target);
  if (forecast.answer === "about" && forecast.more !== null && forecast.low !== null && forecast.high !== null) {
    const { more, low, high } = forecast;
    return { key: "forecast.about", values: { target, more: count(more), low: count(low), high: count(high) } };
  }
  if (forecast.answer === "reached") return { key: "forecast.reached", values: { target } };
  return { key: `forecast.${forecast.reason || "few_points"}`, values: { target } };
}

/** The law from the last measured version on to where the target is surely reached; nothing where that cannot be told. */
export function forecastPoints(forecast: Forecast, last: number): { x: number; y: number }[] {
  if (forecast.answer !== "about" || forecast.high === null) return [];
  const end = last + forecast.high;
  return forecast.curve.flatMap(([x, y]) =>
    x !== undefined && y !== undefined && x >= last && x <= end ? [{ x, y }] : [],
  );
}
