import { useTranslation } from "react-i18next";
import { forecastWords } from "@/features/learning/forecast-words";
import type { Forecast, LeadingMetric } from "@/lib/api-types";

/** Below the curve: how many more readings to the target, or why that cannot be told yet. */
export function ForecastLine({ forecast, metric }: { forecast: Forecast; metric: LeadingMetric }) {
  const { t } = useTranslation("learning");
  return (
    <p className="sec num" style={{ marginTop: 8 }} title={t("forecast.note")}>
      {forecastWords(forecast, metric, t)}
    </p>
  );
}
