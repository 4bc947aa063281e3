import { useTranslation } from "react-i18next";
import { isRouteErrorResponse, useRouteError } from "react-router";
import { Button, LinkButton } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <EmptyState
      title={t("error.notFound")}
      actions={
        <LinkButton variant="primary" to="/">
          {t("allProjects")}
        </LinkButton>
      }
    >
      {t("error.noSuchPage")}
    </EmptyState>
  );
}

/** A page that failed to draw. After an update its code may be gone from the server: loading again helps. */
export function PageCrash() {
  const { t } = useTranslation();
  const error = useRouteError();
  const text = isRouteErrorResponse(error)
    ? error.statusText
    : error instanceof Error
      ? error.message
      : String(error);
  return (
    <EmptyState
      title={t("error.crash")}
      actions={
        <>
          <Button variant="primary" onClick={() => window.location.reload()}>
            {t("error.reload")}
          </Button>
          <LinkButton to="/">{t("allProjects")}</LinkButton>
        </>
      }
    >
      <p>{t("error.crashSafe")}</p>
      <details className="q sm" style={{ marginTop: 8 }}>
        <summary>{t("error.details")}</summary>
        <span className="mono">{text}</span>
      </details>
    </EmptyState>
  );
}
