import { useTranslation } from "react-i18next";
import type { Metric } from "@/lib/api-types";
import { interval, nOf } from "@/lib/format";
import { serverWords } from "@/lib/server-words";

interface MetricValueProps {
  metric: Metric | undefined;
  places?: number;
  /** With n=48 after the bracket. */
  withN?: boolean;
}

/** A number with its interval and n, in that order, or "too few" with the reason on hover. */
export function MetricValue({ metric, places = 2, withN }: MetricValueProps) {
  const { t } = useTranslation();
  if (!metric) return null;
  const text = interval(metric, places);
  if (text === null) {
    return (
      <span className="q" title={serverWords(metric.note, t)}>
        {t("tooFew")}
      </span>
    );
  }
  return (
    <span className="num nw" title={metric.note ? serverWords(metric.note, t) : undefined}>
      {text}
      {withN ? <span className="q"> {nOf(metric.n_patients)}</span> : null}
    </span>
  );
}
