import { Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useIdentityTable, useSwitchTable } from "@/features/settings/api/identities";
import { LookUpCard, MIN_REASON } from "@/features/settings/components/look-up-card";
import type { SectionProps } from "@/features/settings/settings-page";
import { useMe } from "@/lib/me";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

/** The archive's table of who is who: whether it is kept, and for a lead with the right a look into it. */
export function IdentitiesSection({ project }: SectionProps) {
  const { t } = useTranslation("settings");
  const { slug } = project;
  const table = useIdentityTable(slug);
  const change = useSwitchTable(slug);
  const me = useMe();
  const [asked, ask] = useState(false);
  // What was asked for stands in the dialog until it has gone, also when the table has changed.
  const [turnsOn, turnOn] = useState(false);
  const [reason, setReason] = useState("");
  if (table.isError) {
    return (
      <Card className="grow">
        <ErrorState error={table.error} retry={() => void table.refetch()} />
      </Card>
    );
  }
  if (!table.data) {
    return (
      <Card bare className="grow">
        <LoadingRows rows={4} height={48} />
      </Card>
    );
  }
  const { keeps, deidentifies, has_key, may_reidentify } = table.data;
  const maySwitch = may_reidentify && (keeps || (deidentifies && has_key));
  const close = () => {
    ask(false);
    setReason("");
    change.reset();
  };
  return (
    <div className="grow stack" style={{ overflow: "auto" }}>
      <Card
        title={t("identities.title")}
        actions={
          <>
            <Chip tone={keeps ? "ok" : "neutral"}>{t(`identities.is.${keeps ? "on" : "off"}`)}</Chip>
            {maySwitch ? (
              <Button
                dense
                onClick={() => {
                  turnOn(!keeps);
                  ask(true);
                }}
              >
                {t(`identities.${keeps ? "switchOff" : "switchOn"}`)}
              </Button>
            ) : null}
          </>
        }
        style={{ flex: "none" }}
      >
        <div className="stack" style={{ gap: 10, maxWidth: 720 }}>
          <p className="sec">{t("identities.intro")}</p>
          {deidentifies ? (
            <p className="sm q">{t(`identities.${keeps ? "onNote" : "offNote"}`)}</p>
          ) : (
            <p className="alert plain">{t("identities.nothing")}</p>
          )}
          {deidentifies && !has_key ? <p className="alert warn">{t("identities.noKey")}</p> : null}
          {deidentifies && !may_reidentify ? (
            <div className="alert plain" style={{ display: "block" }}>
              <p style={{ marginBottom: 8 }}>{t("identities.noRight")}</p>
              <code className="mono code">
                manage.py grant_reidentification {me.data?.username} --project {slug}
              </code>
            </div>
          ) : null}
        </div>
      </Card>
      {keeps && may_reidentify && has_key ? <LookUpCard slug={slug} /> : null}
      <ConfirmDialog
        opened={asked}
        title={t(`identities.${turnsOn ? "onTitle" : "offTitle"}`)}
        action={t(`identities.${turnsOn ? "switchOn" : "switchOff"}`)}
        danger={!turnsOn}
        busy={change.isPending}
        disabled={reason.trim().length < MIN_REASON}
        error={change.error}
        onConfirm={() => change.mutate({ keeps: turnsOn, reason: reason.trim() }, { onSuccess: close })}
        onClose={close}
      >
        <div className="stack" style={{ gap: 12 }}>
          <p>{t(`identities.${turnsOn ? "onBody" : "offBody"}`)}</p>
          <Textarea
            data-autofocus
            label={t("identities.reason")}
            description={t("identities.reasonNote")}
            value={reason}
            maxLength={500}
            autosize
            minRows={2}
            required
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </div>
      </ConfirmDialog>
    </div>
  );
}
