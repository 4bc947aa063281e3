/** The right panel under review: whose reading this is, what it says, and the decision. */

import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { waitingReviews } from "../api/review-api";
import { useSession } from "../state/session-context";
import type { ReviewActs } from "../state/use-review";
import { AttributesSection } from "./attributes-section";
import { MarksSection } from "./marks-section";
import { MeasurementsSection } from "./measurements-section";
import { OthersSection } from "./others-section";
import { ReviewFoot } from "./review-foot";
import { ReviewSection } from "./review-section";

export function ReviewPanel({ acts }: { acts: ReviewActs }) {
  const { t } = useTranslation("reading");
  const { review, project } = useSession();
  const [params] = useSearchParams();
  const waiting = useQuery({
    queryKey: ["reviews", project.slug, "count", review?.reading],
    queryFn: () => waitingReviews(project.slug, "", null).then(({ counts }) => counts.waiting),
    // It counts every reader's: of one reader's part of the queue it says nothing.
    enabled: !params.get("reader"),
    staleTime: 30_000,
  });
  if (!review) return null;
  const of = t("review.of", { name: review.reader.name, n: review.revision });
  return (
    <aside className="right">
      <div className="strip">
        <b className="b" style={{ color: "var(--n10)" }}>
          {t("review.title")}
        </b>
        <span className="ell" title={of}>
          {of}
        </span>
      </div>
      <div className="rr-scroll">
        <ReviewSection />
        <MarksSection />
        <AttributesSection />
        <MeasurementsSection />
        <OthersSection />
      </div>
      <ReviewFoot acts={acts} waiting={waiting.data ?? null} />
    </aside>
  );
}
