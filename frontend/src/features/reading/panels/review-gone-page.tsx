/** The reading that was to be reviewed is not there to be: why that may be, and the way on. */
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useKeys } from "@/lib/use-keys";
import { Button, LinkButton } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";
import { ErrorLine } from "@/ui/error-state";
import { waitingReviews } from "../api/review-api";
import { queueAddress, reviewAddress } from "../state/review-queue";

export function ReviewGonePage({ slug, caseId, reader }: { slug: string; caseId: string; reader: string }) {
  const { t } = useTranslation("reading");
  const navigate = useNavigate();
  const next = useMutation({
    mutationFn: async () => {
      const { results } = await waitingReviews(slug, reader, null);
      const row = results.find((one) => one.case.id !== caseId && one.review?.decision !== "edited");
      await navigate(row ? reviewAddress(slug, row, reader) : queueAddress(slug, reader));
    },
  });
  useKeys({ n: () => next.mutate() });
  return (
    <div style={{ height: "100vh", display: "flex" }}>
      <EmptyState
        title={t("review.gone.title")}
        actions={
          <>
            <Button variant="primary" kbd="N" busy={next.isPending} onClick={() => next.mutate()}>
              {t("review.gone.next")}
            </Button>
            <LinkButton to={queueAddress(slug, reader)}>{t("review.gone.back")}</LinkButton>
          </>
        }
        foot={<ErrorLine error={next.error} />}
      >
        <p>{t("review.gone.text")}</p>
      </EmptyState>
    </div>
  );
}
