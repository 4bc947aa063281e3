import { IconArrowBackUp } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useSentBack } from "@/features/worklist/api/sent-back";
import { useWorklistView, type WorklistFallback } from "@/features/worklist/worklist-view";
import { Button } from "@/ui/button";

/** Whatever the list shows: a reading that was sent back is begun, and "to read" alone would not tell of it. */
export function SentBackStrip({ slug, fallback }: { slug: string; fallback: WorklistFallback }) {
  const { t } = useTranslation("worklist");
  const [view, change] = useWorklistView(fallback);
  const rows = useSentBack(slug).data ?? [];
  const [first, ...more] = rows;
  if (!first?.sent_back || view.state === "in_progress" || view.state === "all") return null;
  const { by, comment } = first.sent_back;
  return (
    <div className="alert warn" role="status" style={{ flex: "none" }}>
      <IconArrowBackUp size={18} stroke={1.6} style={{ flex: "none" }} />
      {more.length ? (
        <b className="b grow">{t("sentBack.many", { count: rows.length })}</b>
      ) : (
        <>
          <b className="b nw">{t("sentBack.one", { case: first.name })}</b>
          <span className="grow rv-said">{t("sentBack.said", { name: by, text: comment })}</span>
        </>
      )}
      {more.length ? (
        <Button dense onClick={() => change({ state: "in_progress", order: "priority" })}>
          {t("sentBack.show")}
        </Button>
      ) : (
        <Link className="btn d" to={`/p/${slug}/read/${first.id}`}>
          {t("sentBack.open")}
        </Link>
      )}
    </div>
  );
}
