import { useTranslation } from "react-i18next";
import { forecastWords } from "@/features/learning/forecast-words";
import type { Forecast } from "@/lib/api-types";

/** Below the curve: how many more readings to the target, or why that cannot be told yet. */
export function ForecastLine({ forecast }: { forecast: Forecast }) {
  const { t } = useTranslation("learning");
  const { key, values } = forecastWords(forecast);
  return (
    <p className="sec num" style={{ marginTop: 8 }} title={t("forecast.note")}>
      {t(key, values)}
    </p>
  );
}
