import { useTranslation } from "react-i18next";
import type { Evaluation, ModelVersion } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { overall } from "@/lib/metrics";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { MetricValue } from "@/ui/metric-value";

const LINES: [string, number][] = [
  ["dice", 3],
  ["auc", 2],
  ["average_precision", 2],
  ["sensitivity", 2],
  ["false_positives_per_image", 2],
];

/** The version in five numbers, each with its 95 % interval and n. */
export function NumbersCard({
  evaluation,
  version,
}: {
  evaluation: Evaluation | undefined;
  version: ModelVersion;
}) {
  const { t } = useTranslation("models");
  return (
    <Card
      title={t("numbers.title")}
      note={
        evaluation
          ? t("numbers.n", { cases: count(evaluation.n_cases), patients: count(evaluation.n_patients) })
          : undefined
      }
    >
      {evaluation ? (
        <>
          <dl>
            {LINES.map(([name, places]) => {
              const metric = overall(evaluation.metrics, name);
              return metric ? (
                <div
                  key={name}
                  className="row sb"
                  style={{ minHeight: 38, borderBottom: "1px solid #1f1f1f", gap: 16 }}
                >
                  <dt className="sec">{t(`metric.${name}`)}</dt>
                  <dd style={{ textAlign: "right" }}>
                    <MetricValue metric={metric} places={places} withN />
                    {metric.value === null ? <span className="q sm">: {serverWords(metric.note, t)}</span> : null}
                  </dd>
                </div>
              ) : null;
            })}
          </dl>
          <p className="sm q" style={{ marginTop: 12 }}>
            {t("numbers.note", { threshold: decimal(version.display_threshold) })}
          </p>
          <p className="sm q" style={{ marginTop: 6 }}>
            {version.calibration.method && version.calibration.method !== "none"
              ? t("numbers.calibrated", { method: version.calibration.method })
              : t("numbers.uncalibrated")}
          </p>
        </>
      ) : (
        <p className="sec">{t("notMeasured")}</p>
      )}
    </Card>
  );
}
