import { useTranslation } from "react-i18next";
import { InquiryCard } from "@/features/learning/components/inquiry-card";
import { count, dayTime } from "@/lib/format";
import { LinkButton } from "@/ui/button";

/** Which labels to look at again; the list is a page of its own, which reviewers open, too. */
export function LabelsCard({ slug }: { slug: string }) {
  const { t } = useTranslation("learning");
  return (
    <InquiryCard slug={slug} kind="labels">
      {(answer) => (
        <div className="row sb" style={{ gap: 12 }} data-testid="labels-answer">
          <span>
            {t("inquiry.labels.answer", { labels: count(answer.n_labels), patients: count(answer.n_patients) })}
            <span className="sm q num" style={{ display: "block" }}>
              {dayTime(answer.answered_at)}
            </span>
          </span>
          <LinkButton dense to={`/p/${slug}/second-look`} title={t("inquiry.labels.page")}>
            {t("inquiry.labels.look")}
          </LinkButton>
        </div>
      )}
    </InquiryCard>
  );
}
