import { type ComponentType, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

export type LoadPage = () => Promise<{ default: ComponentType }>;

/** A page whose code could not be fetched: asked for again by button, and by itself when the network is back. */
export function PageNotLoaded({ load }: { load: LoadPage }) {
  const { t } = useTranslation();
  const [Page, setPage] = useState<ComponentType>();
  const again = useCallback(() => {
    load().then(
      (module) => setPage(() => module.default),
      () => undefined, // still unreachable: the page says so already
    );
  }, [load]);
  useEffect(() => {
    window.addEventListener("online", again);
    return () => window.removeEventListener("online", again);
  }, [again]);
  if (Page) return <Page />;
  return (
    <EmptyState
      title={t("error.title")}
      actions={
        <>
          <Button variant="primary" onClick={again}>
            {t("error.again")}
          </Button>
          <Button onClick={() => window.location.reload()}>{t("error.reload")}</Button>
        </>
      }
    >
      {t("error.network")}
    </EmptyState>
  );
}
