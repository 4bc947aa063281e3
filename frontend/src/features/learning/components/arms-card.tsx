import { IconCheck, IconEqual, IconQuestionMark } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { InquiryCard } from "@/features/learning/components/inquiry-card";
import type { InquiryAnswer } from "@/lib/api-types";
import { count, DASH, dayTime, decimal, interval } from "@/lib/format";
import { Chip } from "@/ui/chip";

/** Whether models learn more from chosen cases than from random ones, in this project. */
export function ArmsCard({ slug }: { slug: string }) {
  return (
    <InquiryCard slug={slug} kind="arms">
      {(answer) => <Verdict told={answer} />}
    </InquiryCard>
  );
}

const LOOK = {
  helps: { tone: "ok", icon: <IconCheck /> },
  does_not: { tone: "neutral", icon: <IconEqual /> },
  cannot_tell: { tone: "warn", icon: <IconQuestionMark /> },
} as const;

function Verdict({ told }: { told: InquiryAnswer }) {
  const { t } = useTranslation("learning");
  const answer = told.answer ?? "cannot_tell";
  const { difference: value = null, low = null, high = null, chosen = null, random = null } = told;
  return (
    <div className="stack" style={{ gap: 6 }} data-testid="arms-answer">
      <p className="row" style={{ gap: 10, flexWrap: "wrap" }}>
        <Chip {...LOOK[answer]}>{t(`inquiry.answer.${answer}`)}</Chip>
        <span>{t(`inquiry.because.${told.reason || answer}`)}</span>
      </p>
      {value === null ? null : (
        <p className="num">
          {t("inquiry.numbers", {
            metric: t(`metric.${told.metric ?? "dice"}`),
            chosen: chosen === null ? DASH : decimal(chosen, 3),
            random: random === null ? DASH : decimal(random, 3),
            difference: interval({ value, low, high }, 3, true),
          })}
        </p>
      )}
      <p className="sm q num">{behind()}</p>
    </div>
  );

  function behind(): string {
    const by = (told.acquisitions ?? []).map((name) => t(`acquisition.${name}`)).join(t("join"));
    const versions = (told.versions ?? []).map((number) => `v${number}`).join(t("join"));
    return [
      t("inquiry.behind", {
        labels: count(told.n_labels),
        seeds: count(told.n_seeds ?? 0),
        patients: count(told.n_patients),
      }),
      by && versions ? t("inquiry.chosenBy", { by, versions }) : "",
      dayTime(told.answered_at),
      told.asked_by ? t("round.by", { name: told.asked_by }) : "",
    ]
      .filter(Boolean)
      .join(t("join"));
  }
}
