import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useDiscard } from "@/features/quarantine/api/quarantine";
import { ReasonField } from "@/features/quarantine/components/reason-field";
import { count } from "@/lib/format";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface DiscardDialogProps {
  slug: string;
  /** What is to be discarded; nothing: the dialog is closed. */
  files: string[];
  onDone: () => void;
  onClose: () => void;
}

/** Before files are deleted for good: how many, and why. Of many at once the reason is asked for. */
export function DiscardDialog({ slug, files, onDone, onClose }: DiscardDialogProps) {
  const { t } = useTranslation("quarantine");
  const discard = useDiscard(slug);
  const [reason, setReason] = useState("");
  // The dialog keeps its words while it fades.
  const [shown, show] = useState(files);
  if (files.length && files !== shown) show(files);
  const many = shown.length > 1;
  const close = () => {
    setReason("");
    discard.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={files.length > 0}
      danger
      title={many ? t("discardManyTitle", { count: shown.length, shown: count(shown.length) }) : t("discardTitle")}
      action={many ? t("discardMany", { count: shown.length, shown: count(shown.length) }) : t("discard")}
      busy={discard.isPending}
      disabled={many && !reason.trim()}
      error={discard.error}
      onConfirm={() =>
        discard.mutate(
          { files: shown, reason: reason.trim() },
          {
            onSuccess: () => {
              close();
              onDone();
            },
          },
        )
      }
      onClose={close}
    >
      <div className="stack" style={{ gap: 12 }}>
        <p>{t(many ? "discardManyNote" : "discardNote")}</p>
        <ReasonField value={reason} onChange={setReason} required={many} first />
      </div>
    </ConfirmDialog>
  );
}
