import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { CLICK_NUMBERS } from "@/features/models/state/click-numbers";
import type { Evaluation, Metric, ModelVersion } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import { MetricValue } from "@/ui/metric-value";

/** Which numbers, in what order, with how many decimals. */
const SECTIONS: [section: string, lines: [metric: string, places: number][]][] = [
  [
    "lesions",
    [
      ["sensitivity", 2],
      ["false_positives_per_image", 2],
      ["lesion_average_precision", 2],
    ],
  ],
  [
    "outline",
    [
      ["dice", 3],
      ["nsd", 3],
      ["hd95_mm", 1],
      ["hd95_px", 1],
    ],
  ],
  [
    "images",
    [
      ["findings_auc", 2],
      ["auc", 2],
      ["average_precision", 2],
    ],
  ],
  [
    "lesionScore",
    [
      ["lesion_ece", 3],
      ["lesion_ece_calibrated", 3],
      ["lesion_brier", 3],
      ["lesion_brier_calibrated", 3],
    ],
  ],
  [
    "imageScore",
    [
      ["ece", 3],
      ["ece_calibrated", 3],
      ["brier", 3],
      ["brier_calibrated", 3],
    ],
  ],
];

/** The version in numbers, each with its 95 % interval and n, or with the reason why there is none. */
export function NumbersCard({
  evaluation,
  version,
}: {
  evaluation: Evaluation | undefined;
  version: ModelVersion;
}) {
  const { t } = useTranslation("models");
  const isValidation = evaluation?.split === "VALIDATION";
  const clicks = isValidation ? (version.clicks?.measured ?? []) : [];
  const sections = evaluation ? sectionsOf(evaluation.metrics, clicks) : [];
  return (
    <Card
      bare
      title={t("numbers.title")}
      note={
        evaluation
          ? t("numbers.n", { cases: count(evaluation.n_cases), patients: count(evaluation.n_patients) })
          : undefined
      }
      actions={
        evaluation ? (
          <ExportButtons
            name={`error-v${version.number}`}
            rows={() => table([...evaluation.metrics, ...clicks])}
          />
        ) : null
      }
    >
      {evaluation ? (
        <table style={{ "--rh": "30px" } as React.CSSProperties}>
          <thead>
            <tr>
              <th>{t("numbers.number")}</th>
              <th className="r">{t("numbers.value")}</th>
              <th className="r">n</th>
              <th>{t("numbers.remark")}</th>
            </tr>
          </thead>
          <tbody>
            {sections.map(([section, lines]) => (
              <Fragment key={section}>
                <tr>
                  <th colSpan={4} className="b" style={{ color: "var(--n9)" }}>
                    {t(`numbers.section.${section}`)}
                  </th>
                </tr>
                {lines.map(([metric, places]) => (
                  <tr key={metric.metric}>
                    <td className="sec">{t(`metric.${metric.metric}`, { defaultValue: metric.metric })}</td>
                    <td className="r">
                      <MetricValue metric={metric} places={places} />
                    </td>
                    <td className="r num sec">{count(metric.n_patients)}</td>
                    <td className="q sm" style={{ whiteSpace: "normal" }}>
                      {serverWords(metric.note, t)}
                    </td>
                  </tr>
                ))}
              </Fragment>
            ))}
          </tbody>
        </table>
      ) : (
        <p className="sec" style={{ padding: "0 16px 16px" }}>
          {t("notMeasured")}
        </p>
      )}
      {evaluation ? (
        <p className="sm q" style={{ padding: "12px 16px 16px" }}>
          {t("numbers.note", { threshold: decimal(version.display_threshold) })} {calibrated()}{" "}
          {isValidation ? answersClicks() : null}
        </p>
      ) : null}
    </Card>
  );

  function answersClicks(): string {
    const { clicks: told } = version;
    return told ? t("numbers.clicks", { lesions: count(told.lesions) }) : t("numbers.noClicks");
  }

  function calibrated(): string {
    const { method, note } = version.calibration;
    if (method && method !== "none")
      return t("numbers.calibrated", { method: method === "platt" ? "Platt" : method });
    return note && note !== "uncalibrated"
      ? t("numbers.uncalibratedWhy", { reason: serverWords(note, t) })
      : t("numbers.uncalibrated");
  }
}

function sectionsOf(metrics: readonly Metric[], clicks: readonly Metric[]): [string, [Metric, number][]][] {
  const all = [...metrics, ...clicks];
  const sections: typeof SECTIONS = [...SECTIONS, ["clicks", CLICK_NUMBERS]];
  const known = sections.map(([section, lines]): [string, [Metric, number][]] => [
    section,
    lines.flatMap(([name, places]): [Metric, number][] => {
      const found = all.find((one) => one.metric === name && one.finding_type === null);
      return found ? [[found, places]] : [];
    }),
  ]);
  return known.filter(([, lines]) => lines.length);
}

function table(metrics: readonly Metric[]): (string | number | null)[][] {
  return [
    ["metric", "finding_type", "value", "low", "high", "n_patients", "n_positive", "note"],
    ...metrics.map((one) => [
      ...[one.metric, one.finding_type, one.value, one.low, one.high, one.n_patients, one.n_positive, one.note],
    ]),
  ];
}
