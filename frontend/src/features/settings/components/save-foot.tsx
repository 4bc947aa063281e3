import { IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";

interface SaveFootProps {
  dirty: boolean;
  busy: boolean;
  saved: boolean;
  error: unknown;
  /** Why it cannot be saved as it is. */
  lack?: string;
  onSave: () => void;
  onDiscard: () => void;
}

/** The foot of a form of the settings: what keeps it from being saved, discard, save. */
export function SaveFoot({ dirty, busy, saved, error, lack, onSave, onDiscard }: SaveFootProps) {
  const { t } = useTranslation("settings");
  return (
    <footer className="row" style={{ padding: "14px 16px", borderTop: "1px solid var(--n5)", gap: 12 }}>
      <span className="grow" />
      {error ? (
        <ErrorLine error={error} />
      ) : lack ? (
        <span className="sm" style={{ color: "var(--warn)" }}>
          {lack}
        </span>
      ) : saved && !dirty ? (
        <span className="row sm q" style={{ gap: 6 }}>
          <IconCheck size={14} stroke={1.6} />
          {t("common:saved")}
        </span>
      ) : null}
      <Button disabled={!dirty || busy} onClick={onDiscard}>
        {t("discard")}
      </Button>
      <Button variant="primary" disabled={!dirty || Boolean(lack)} busy={busy} onClick={onSave}>
        {t("common:save")}
      </Button>
    </footer>
  );
}
