import { useTranslation } from "react-i18next";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface SignOutDialogProps {
  /** Cases whose marks were not sent. */
  cases: string[];
  onConfirm: () => void;
  onClose: () => void;
}

/** Signing out clears what this device keeps, so unsent marks would be lost: that must be chosen. */
export default function SignOutDialog({ cases, onConfirm, onClose }: SignOutDialogProps) {
  const { t } = useTranslation();
  return (
    <ConfirmDialog
      opened
      danger
      title={t("person.unsentTitle")}
      action={t("person.signOutAnyway")}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      {t("person.unsent", { cases: cases.join(", ") })}
    </ConfirmDialog>
  );
}
