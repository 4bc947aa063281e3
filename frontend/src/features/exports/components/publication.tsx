import { IconAlertTriangle, IconArchive, IconArchiveOff } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCancelExport, usePublishExport, useWithdrawExport } from "@/features/exports/api/exports";
import type { ExportRun } from "@/lib/api-types";
import { count, percent } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine } from "@/ui/error-state";

interface PublicationProps {
  slug: string;
  run: ExportRun;
}

type Act = "publish" | "withdraw";

/** The objects of an export in the archive: brought in and taken out by an act, with what is shown and what is not. */
export function Publication({ slug, run }: PublicationProps) {
  const { t } = useTranslation("exports");
  const [asking, setAsking] = useState<Act | null>(null);
  const acts = { publish: usePublishExport(slug), withdraw: useWithdrawExport(slug) };
  const cancel = useCancelExport(slug);
  const told = run.publication;
  if (!told || !(told.is_published || told.doing || (run.own && run.state === "done"))) return null;
  const mayPublish = run.own && run.state === "done";
  const outdated = told.objects - told.current;
  const left = (["changed", "hidden", "models"] as const).filter((why) => told.left_out[why]);
  const close = () => setAsking(null);
  return (
    <div className="col" style={{ gap: 6, marginTop: 8 }}>
      <div className="row sm" style={{ gap: 10 }}>
        {told.doing ? (
          <Doing run={run} busy={cancel.isPending} onStop={() => cancel.mutate(run.id)} />
        ) : (
          <>
            {told.is_published ? (
              <Chip tone={run.own && !told.current ? "neutral" : "ok"} icon={<IconArchive />}>
                {run.own && !told.current ? t("publication.shown_none") : t("publication.shown")}
              </Chip>
            ) : null}
            {told.objects ? (
              <span className="sec num nw">
                {t("publication.objects", { count: told.objects, shown: count(told.objects) })}
              </span>
            ) : null}
            {mayPublish && (!told.is_published || !told.is_complete) ? (
              <Button dense icon={<IconArchive size={16} stroke={1.6} />} onClick={() => setAsking("publish")}>
                {told.is_published ? t("publication.again") : t("publication.publish")}
              </Button>
            ) : null}
            {told.is_published ? (
              <Button
                dense
                variant="ghost"
                icon={<IconArchiveOff size={16} stroke={1.6} />}
                onClick={() => setAsking("withdraw")}
              >
                {t("publication.withdraw")}
              </Button>
            ) : null}
          </>
        )}
      </div>
      {outdated > 0 || left.length ? (
        <p className="sm sec">
          {outdated > 0 ? t("publication.outdated", { count: outdated, shown: count(outdated) }) : ""}{" "}
          {left
            .map((why) =>
              t(`publication.${why}`, { count: told.left_out[why], shown: count(told.left_out[why] ?? 0) }),
            )
            .join(" ")}
        </p>
      ) : null}
      {told.error ? (
        <p className="alert bad row" style={{ gap: 8 }}>
          <IconAlertTriangle size={16} stroke={1.6} />
          {t("publication.failed", { reason: serverWords(told.error, t) })}
        </p>
      ) : null}
      <ErrorLine error={cancel.error} />
      {(["publish", "withdraw"] as const).map((act) => (
        <ConfirmDialog
          key={act}
          opened={asking === act}
          title={t(act === "publish" ? "publication.title" : "publication.withdrawTitle")}
          action={t(`publication.${act}`)}
          busy={acts[act].isPending}
          error={acts[act].error}
          onConfirm={() => acts[act].mutate(run.id, { onSuccess: close })}
          onClose={close}
        >
          {t(act === "publish" ? "publication.body" : "publication.withdrawBody")}
        </ConfirmDialog>
      ))}
    </div>
  );
}

/** How far the archive is with it. */
function Doing({ run, busy, onStop }: { run: ExportRun; busy: boolean; onStop: () => void }) {
  const { t } = useTranslation("exports");
  const told = run.publication;
  if (!told) return null;
  const share = told.progress.total ? told.progress.done / told.progress.total : 0;
  return (
    <>
      <div className="bar grow" style={{ height: 6 }} aria-hidden="true">
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <span className="sec num nw">
        {t(told.doing === "publish" ? "publication.publishing" : "publication.withdrawing", {
          percent: percent(share),
        })}
      </span>
      {run.own ? (
        <Button dense busy={busy} onClick={onStop}>
          {t("publication.stop")}
        </Button>
      ) : null}
    </>
  );
}
