import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ReasonField } from "@/features/quarantine/components/reason-field";
import type { NameReport, RoomInstance } from "@/lib/api-types";
import { ago, count } from "@/lib/format";
import { useDismissReports } from "@/lib/name-reports";
import { Button } from "@/ui/button";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface ReportedNamesProps {
  slug: string;
  caseId: string;
  reports: NameReport[];
  instances: RoomInstance[];
  onGoTo: (place: number) => void;
}

/** Who saw a name in which image; a lead who finds none there says so, and why. */
export function ReportedNames({ slug, caseId, reports, instances, onGoTo }: ReportedNamesProps) {
  const { t } = useTranslation("quarantine");
  const [asked, ask] = useState(false);
  const [reason, setReason] = useState("");
  const dismiss = useDismissReports(slug, caseId);
  if (reports.length === 0) return null;
  return (
    <section className="stack" style={{ gap: 8 }} aria-label={t("reported.title")}>
      <h3>{t("reported.title")}</h3>
      <ul className="plain stack" style={{ gap: 6 }}>
        {reports.map((report) => {
          const place = instances.findIndex((one) => one.sop_instance_uid === report.sop_instance_uid);
          return (
            <li
              key={`${report.sop_instance_uid} ${report.frame} ${report.reported_by}`}
              className="row"
              style={{ gap: 8 }}
            >
              <Button dense onClick={() => onGoTo(place)}>
                {t("reported.image", { n: count(place + 1) })}
              </Button>
              <span className="sm sec grow ell">{report.reported_by}</span>
              <span className="xs q nw">{ago(report.reported_at)}</span>
            </li>
          );
        })}
      </ul>
      <div>
        <Button dense onClick={() => ask(true)}>
          {t("reported.dismiss")}
        </Button>
      </div>
      <ConfirmDialog
        opened={asked}
        title={t("reported.dismissTitle", { count: reports.length, shown: count(reports.length) })}
        action={t("reported.dismissNow", { count: reports.length, shown: count(reports.length) })}
        busy={dismiss.isPending}
        disabled={!reason.trim()}
        error={dismiss.error}
        onConfirm={() => dismiss.mutate(reason.trim(), { onSuccess: () => ask(false) })}
        onClose={() => ask(false)}
      >
        <div className="stack">
          <p>{t("reported.dismissText")}</p>
          <ReasonField value={reason} onChange={setReason} required first />
        </div>
      </ConfirmDialog>
    </section>
  );
}
