import { IconAlertTriangle } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/lib/api-client";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";

/** What failed, in the pane that failed: a sentence, a way to try again, the code for support folded away. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  return (
    <div role="alert" className="col" style={{ padding: 16, gap: 10, alignItems: "flex-start" }}>
      <span className="row" style={{ color: "var(--bad)" }}>
        <IconAlertTriangle size={16} stroke={1.6} />
        <span className="b">{t(titleOf(error))}</span>
      </span>
      <span className="sec sm">{sentence(error, t)}</span>
      {retry ? (
        <Button dense onClick={retry}>
          {t("error.again")}
        </Button>
      ) : null}
      {error instanceof ApiError ? (
        <details className="sm q">
          <summary>{t("error.details")}</summary>
          <span className="mono">
            HTTP {error.status} {error.code}
          </span>
        </details>
      ) : null}
    </div>
  );
}

/** The error in one line beside the control that caused it. */
export function ErrorLine({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (!error) return null;
  return (
    <span role="alert" className="row sm" style={{ color: "var(--bad)", gap: 6 }}>
      <IconAlertTriangle size={14} stroke={1.6} style={{ flex: "none" }} />
      {sentence(error, t)}
    </span>
  );
}

function titleOf(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 404) return "error.notFound";
    if (error.status === 403) return "error.forbidden";
  }
  return "error.title";
}

function sentence(error: unknown, t: TFunction): string {
  if (error instanceof ApiError) return serverWords(error.message, t);
  if (error instanceof TypeError) return t("error.network");
  return error instanceof Error ? error.message : String(error);
}
