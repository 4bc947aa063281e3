import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useForeignModels, useShowForeignModel } from "@/features/models/api/foreign-models";
import type { ForeignModel } from "@/lib/api-types";
import { count, dayTime, decimal } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorState } from "@/ui/error-state";

/** Models that are run elsewhere and give their readings through the API; nothing where there is none. */
export function ForeignModelsCard({ slug }: { slug: string }) {
  const { t } = useTranslation("models");
  const models = useForeignModels(slug);
  const show = useShowForeignModel(slug);
  const [asked, ask] = useState<ForeignModel | null>(null);
  if (models.isError) {
    return (
      <Card title={t("foreign.title")} style={{ flex: "none" }}>
        <ErrorState error={models.error} retry={() => void models.refetch()} />
      </Card>
    );
  }
  if (!models.data?.length) return null;
  const name = asked ? `${asked.name} ${asked.version}` : "";
  return (
    <Card title={t("foreign.title")} note={t("foreign.note")} bare style={{ flex: "none" }}>
      <table style={{ "--rh": "46px" } as React.CSSProperties}>
        <thead>
          <tr>
            <th>{t("foreign.name")}</th>
            <th>{t("stateTitle")}</th>
            <th>{t("foreign.registered")}</th>
            <th className="r">{t("foreign.cases")}</th>
            <th className="r">{t("foreign.threshold")}</th>
            <th aria-label={t("foreign.show")} />
          </tr>
        </thead>
        <tbody>
          {models.data.map((model) => (
            <tr key={model.id}>
              <td className="b" title={model.description}>
                {model.name} {model.version}
              </td>
              <td>
                <Chip tone={model.is_shown ? "model" : "neutral"}>
                  {t(model.is_shown ? "foreign.shown" : "foreign.hidden")}
                </Chip>
              </td>
              <td className="sec num">
                {dayTime(model.created_at)} {model.registered_by}
              </td>
              <td className="r num">{count(model.cases_read)}</td>
              <td className="r num sec">{decimal(model.display_threshold)}</td>
              <td className="r">
                <Button dense onClick={() => ask(model)}>
                  {t(model.is_shown ? "foreign.hide" : "foreign.show")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <ConfirmDialog
        opened={asked !== null}
        title={t(asked?.is_shown ? "foreign.hideTitle" : "foreign.showTitle", { name })}
        action={t(asked?.is_shown ? "foreign.hide" : "foreign.show")}
        busy={show.isPending}
        error={show.error}
        onClose={() => ask(null)}
        onConfirm={() => asked && show.mutate(asked, { onSuccess: () => ask(null) })}
      >
        {t(asked?.is_shown ? "foreign.hideNote" : "foreign.showNote")}
      </ConfirmDialog>
    </Card>
  );
}
