import { IconMessageReport } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useWorklistView, type WorklistFallback } from "@/features/worklist/worklist-view";
import { useNameReports } from "@/lib/name-reports";
import { Button } from "@/ui/button";

/** Names in images that nobody has looked into, whatever the list shows. */
export function NameReportStrip({ slug, fallback }: { slug: string; fallback: WorklistFallback }) {
  const { t } = useTranslation("worklist");
  const [view, change] = useWorklistView(fallback);
  const reports = useNameReports(slug).data ?? [];
  const cases = new Set(reports.map((report) => report.case)).size;
  if (cases === 0 || view.burnt_in) return null;
  return (
    <div className="alert warn" role="status" style={{ flex: "none" }}>
      <IconMessageReport size={18} stroke={1.6} style={{ flex: "none" }} />
      <b className="b grow">{t("nameReport.strip", { count: cases })}</b>
      <Button dense onClick={() => change({ state: "all", search: "", burnt_in: "reported" })}>
        {t("nameReport.show")}
      </Button>
    </div>
  );
}
