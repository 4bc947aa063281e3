/** A name that stands in an image is told to the leads: which image, never what it says. */

import { IconMessageReport } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { reportName } from "@/lib/name-reports";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useSession, useUi } from "../state/session-context";
import { WithKey } from "./with-key";

export function NameReportButton() {
  const { t } = useTranslation("reading");
  const session = useSession();
  return (
    <WithKey command="reportName">
      <button
        type="button"
        className="tool"
        aria-label={t("command.reportName")}
        onClick={() => session.askNameReport()}
      >
        <IconMessageReport size={18} stroke={1.6} />
      </button>
    </WithKey>
  );
}

export function NameReportDialog() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const place = useUi((state) => state.nameReport);
  const close = () => session.ui.setState({ nameReport: null });
  const report = useMutation({
    mutationFn: (at: NonNullable<typeof place>) =>
      reportName(session.project.slug, { sop_instance_uid: at.sop, frame: at.frame }),
    onSuccess: () => {
      close();
      session.say("nameReported");
    },
  });
  return (
    <ConfirmDialog
      opened={place !== null}
      title={t("nameReport.title")}
      action={t("nameReport.action")}
      byEnter
      busy={report.isPending}
      error={report.error}
      onConfirm={() => place && report.mutate(place)}
      onClose={() => {
        report.reset();
        close();
      }}
    >
      <p>{t("nameReport.text")}</p>
    </ConfirmDialog>
  );
}
