import { IconCheck, IconHourglass } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { isLive } from "@/features/learning/api/learning";
import { roundTone } from "@/features/learning/components/round-card";
import { reasonWords } from "@/features/learning/round-reason";
import type { LeadingMetric, Metric, Round, RoundRow } from "@/lib/api-types";
import { count, interval, nOf, percent } from "@/lib/format";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";

interface RoundsCardProps {
  slug: string;
  metric: LeadingMetric;
  rounds: RoundRow[];
  live: Round | null;
}

export function RoundsCard({ slug, metric, rounds, live }: RoundsCardProps) {
  const { t } = useTranslation("learning");
  const patients = rounds.flatMap((round) => round.metrics ?? [])[0]?.n_patients;
  return (
    <Card
      bare
      title={t("rounds.title")}
      actions={patients ? <span className="q sm">VALIDATION, {nOf(patients)}</span> : null}
    >
      {rounds.length ? (
        <div className="scroll">
          <table className="tight" style={{ "--rh": "46px" } as React.CSSProperties}>
            <thead>
              <tr>
                <th>{t("rounds.round")}</th>
                <th>{t("rounds.state")}</th>
                <th className="r">{t("rounds.labels")}</th>
                <th className="r">{t(`metric.${metric}`)}</th>
                <th className="r">{t("metric.auc")}</th>
                <th className="r">{t("rounds.version")}</th>
              </tr>
            </thead>
            <tbody>
              {rounds.map((round) => (
                <tr key={round.number}>
                  <td className="num nw">
                    {round.number}
                    <span className="q sm" style={{ marginLeft: 8 }} title={reasonWords(round.reason, null, t)}>
                      {t(`track.${round.track}`)}
                    </span>
                  </td>
                  <td>
                    <StateChip round={round} />
                    {round.number === live?.number && isLive(live) ? <Share round={live} /> : null}
                  </td>
                  <td className="r num">{round.n_labels === null ? "" : count(round.n_labels)}</td>
                  <td className="r num">
                    <Value metrics={round.metrics} name={metric} places={3} />
                  </td>
                  <td className="r num">
                    <Value metrics={round.metrics} name="auc" places={2} />
                  </td>
                  <td className="r num">
                    {round.model_version === null ? null : (
                      <Link to={`/p/${slug}/models/${round.model_version}`}>v{round.model_version}</Link>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="sec" style={{ padding: "0 16px 16px" }}>
          {t("rounds.none")}
        </p>
      )}
    </Card>
  );
}

function StateChip({ round }: { round: RoundRow }) {
  const { t } = useTranslation("learning");
  if (round.state === "done" && round.model_state) {
    if (round.model_state === "serves") {
      return (
        <Chip tone="ok" icon={<IconCheck />}>
          {t("modelState.serves")}
        </Chip>
      );
    }
    if (round.model_state === "waits") {
      return (
        <Chip tone="warn" icon={<IconHourglass />}>
          {t("modelState.waits")}
        </Chip>
      );
    }
    return <Chip>{t(`modelState.${round.model_state}`)}</Chip>;
  }
  return <Chip tone={roundTone(round.state)}>{t(`roundState.${round.state}`)}</Chip>;
}

/** How much of the training is done, beside the state: among the numbers it would pass for a result. */
function Share({ round }: { round: Round }) {
  const { step, steps } = round.progress;
  return (
    <span className="q num" style={{ marginLeft: 8 }}>
      {step !== undefined && steps ? percent(step / steps) : ""}
    </span>
  );
}

/** The value over all finding types with its interval, or why there is none. */
function Value({ metrics, name, places }: { metrics: Metric[] | undefined; name: string; places: number }) {
  const { t } = useTranslation("learning");
  const metric =
    metrics?.find((one) => one.metric === name && one.finding_type === null) ??
    metrics?.find((one) => one.metric === name);
  if (!metric) return null;
  const text = interval(metric, places);
  return text === null ? (
    <span className="q" title={metric.note}>
      {t("common:tooFew")}
    </span>
  ) : (
    text
  );
}
