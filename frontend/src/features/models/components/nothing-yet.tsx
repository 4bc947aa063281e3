import { useTranslation } from "react-i18next";
import { LinkButton } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

/** Where there are too few versions, and the way to where they are made. */
export function NothingYet({ slug, title, note }: { slug: string; title: string; note: string }) {
  const { t } = useTranslation("models");
  return (
    <EmptyState
      title={title}
      actions={
        <LinkButton variant="primary" to={`/p/${slug}/learning`}>
          {t("toLearning")}
        </LinkButton>
      }
    >
      {note}
    </EmptyState>
  );
}
