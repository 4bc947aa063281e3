import { useTranslation } from "react-i18next";
import type { QueueView } from "@/features/review/api/reviews";
import type { ReadBy, ReviewState } from "@/lib/api-types";
import { Button } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

interface NoReviewsProps {
  view: QueueView;
  counts: Record<ReviewState, number>;
  readers: ReadBy[];
  onChange: (change: Partial<QueueView>) => void;
}

/** Nothing in this part of the queue: why, and where something is. */
export function NoReviews({ view, counts, readers, onChange }: NoReviewsProps) {
  const { t } = useTranslation("review");
  if (view.reader) {
    const name = readers.find(({ username }) => username === view.reader)?.name ?? view.reader;
    return (
      <div className="col" style={{ alignItems: "center", justifyContent: "center", flex: 1, gap: 12 }}>
        <p className="sec">{t(`empty.ofReader.${view.state}`, { name })}</p>
        <Button dense onClick={() => onChange({ reader: "" })}>
          {t("empty.everyReader")}
        </Button>
      </div>
    );
  }
  const begun = counts.waiting + counts.reviewed + counts.sent_back > 0;
  const title = view.state === "waiting" && begun ? "done" : view.state;
  return (
    <EmptyState
      title={t(`empty.title.${title}`)}
      actions={
        view.state === "waiting" ? (
          counts.reviewed ? (
            <Button onClick={() => onChange({ state: "reviewed" })}>{t("empty.showReviewed")}</Button>
          ) : null
        ) : counts.waiting ? (
          <Button onClick={() => onChange({ state: "waiting" })}>{t("empty.showWaiting")}</Button>
        ) : null
      }
    >
      <p>{t(`empty.text.${view.state}`)}</p>
    </EmptyState>
  );
}
