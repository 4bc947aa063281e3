import { IconArrowBackUp, IconCheck, IconPencil } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Review } from "@/lib/api-types";
import { Chip } from "@/ui/chip";

/** What was decided on a reading; nothing yet where nobody has, or where an edit is not submitted. */
export function DecisionChip({ review }: { review: Review | null }) {
  const { t } = useTranslation("review");
  if (!review) return <Chip>{t("chip.waiting")}</Chip>;
  if (review.decision === "sent_back") {
    return (
      <Chip tone="warn" icon={<IconArrowBackUp />}>
        {t("chip.sent_back")}
      </Chip>
    );
  }
  if (review.decision === "agreed") {
    return (
      <Chip tone="ok" icon={<IconCheck />}>
        {t("chip.agreed")}
      </Chip>
    );
  }
  const isDone = review.replacement?.state === "submitted";
  return (
    <Chip tone={isDone ? "ok" : "accent"} icon={<IconPencil />}>
      {t(isDone ? "chip.edited" : "chip.editing")}
    </Chip>
  );
}
