import { IconAlertTriangle, IconCheck, IconDownload, IconShieldCheck, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { exportFile, useCancelExport, useDeleteExport, useVerifyExport } from "@/features/exports/api/exports";
import { LossList } from "@/features/exports/components/loss-list";
import { Publication } from "@/features/exports/components/publication";
import type { ExportFormat, ExportRun, ExportState } from "@/lib/api-types";
import { bytes, count, day, dayTime, percent } from "@/lib/format";
import { formatTitle } from "@/lib/format-titles";
import { serverWords } from "@/lib/server-words";
import { Button, IconButton } from "@/ui/button";
import { Chip, type ChipTone } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine } from "@/ui/error-state";

const TONE: Record<ExportState, ChipTone> = {
  queued: "accent",
  running: "accent",
  done: "ok",
  failed: "bad",
  cancelled: "neutral",
  expired: "neutral",
};

interface RunRowProps {
  slug: string;
  run: ExportRun;
  format: ExportFormat | undefined;
}

/** One export: how far, its file, its proof, what it lost, when it goes. */
export function RunRow({ slug, run, format }: RunRowProps) {
  const { t } = useTranslation("exports");
  const [asking, setAsking] = useState(false);
  const verify = useVerifyExport(slug);
  const cancel = useCancelExport(slug);
  const remove = useDeleteExport(slug);
  const busy = run.state === "queued" || run.state === "running";
  const share = run.progress.total ? run.progress.done / run.progress.total : 0;
  const title = format ? formatTitle(format, t) : run.format;
  return (
    <li style={{ padding: "14px 16px", borderTop: "1px solid var(--n5)" }} className="col">
      <div className="row" style={{ gap: 10 }}>
        <h3 className="b nw">{title}</h3>
        <Chip
          tone={TONE[run.state]}
          icon={run.state === "done" ? <IconCheck /> : run.state === "failed" ? <IconAlertTriangle /> : undefined}
        >
          {t(`state.${run.state}`)}
        </Chip>
        <span className="q sm ell">{t("by", { name: run.created_by, time: dayTime(run.created_at) })}</span>
        <span className="grow" />
        {run.own && busy ? (
          <Button dense busy={cancel.isPending} onClick={() => cancel.mutate(run.id)}>
            {t("cancel")}
          </Button>
        ) : null}
        {run.own && run.state === "done" ? (
          <>
            {format?.is_read ? (
              <Button
                dense
                icon={<IconShieldCheck size={16} stroke={1.6} />}
                busy={verify.isPending || run.verifying !== null}
                onClick={() => verify.mutate(run.id)}
              >
                {run.verifying
                  ? t("verifying", {
                      percent: percent(run.verifying.total ? run.verifying.done / run.verifying.total : 0),
                    })
                  : t("verify")}
              </Button>
            ) : null}
            <a className="btn d" href={exportFile(slug, run.id)} download>
              <IconDownload size={16} stroke={1.6} />
              {t("download")}
            </a>
          </>
        ) : null}
        {run.own && !busy ? (
          <IconButton label={t("delete")} onClick={() => setAsking(true)}>
            <IconTrash size={16} stroke={1.6} />
          </IconButton>
        ) : null}
      </div>
      {busy ? (
        <div className="row" style={{ gap: 12, marginTop: 10 }}>
          <div className="bar grow" style={{ height: 6 }} aria-hidden="true">
            <i style={{ width: `${share * 100}%` }} />
          </div>
          <span className="sm sec num nw">
            {t("progress", { done: count(run.progress.done), total: count(run.progress.total) })}
          </span>
        </div>
      ) : null}
      {run.own && run.state === "done" ? (
        <span className="sm sec num" style={{ marginTop: 6 }}>
          {[
            t("cases", { count: run.counts.cases, shown: count(run.counts.cases ?? 0) }).trim(),
            t("readings", { count: run.counts.readings, shown: count(run.counts.readings ?? 0) }),
            t("lesions", { count: run.counts.lesions, shown: count(run.counts.lesions ?? 0) }),
            bytes(run.size),
            run.expires_at ? t("until_", { day: day(run.expires_at) }) : "",
          ]
            .filter(Boolean)
            .join(" · ")}
        </span>
      ) : null}
      {run.own ? null : (
        <span className="sm q" style={{ marginTop: 6 }}>
          {t("notYours", { name: run.created_by })}
        </span>
      )}
      {run.message ? (
        <p className="alert bad" style={{ marginTop: 8 }}>
          {serverWords(run.message, t)}
        </p>
      ) : null}
      {run.verification ? <Proof run={run} /> : null}
      {run.publication ? <Publication slug={slug} run={run} /> : null}
      {run.losses.length && run.state === "done" ? (
        <details className="sm" style={{ marginTop: 8 }}>
          <summary className="sec">{t("lost")}</summary>
          <div className="q" style={{ marginTop: 4 }}>
            <LossList losses={run.losses} />
          </div>
        </details>
      ) : null}
      <ErrorLine error={verify.error ?? cancel.error} />
      <ConfirmDialog
        opened={asking}
        title={t("deleteTitle")}
        action={t("delete")}
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(run.id, { onSuccess: () => setAsking(false) })}
        onClose={() => setAsking(false)}
      >
        {t("deleteBody")}
      </ConfirmDialog>
    </li>
  );
}

/** The round trip: identical or not, what was compared, every difference in words. */
function Proof({ run }: { run: ExportRun }) {
  const { t } = useTranslation("exports");
  const proof = run.verification;
  if (!proof) return null;
  return (
    <div className="col" style={{ gap: 6, marginTop: 8 }}>
      <div className="row sm" style={{ gap: 10 }}>
        <Chip tone={proof.ok ? "ok" : "bad"} icon={proof.ok ? <IconShieldCheck /> : <IconAlertTriangle />}>
          {proof.ok
            ? t("proof.ok")
            : t("proof.bad", { count: proof.n_differences, shown: count(proof.n_differences) })}
        </Chip>
        <span className="sec">
          {t("proof.line", {
            lesions: t("lesions", { count: proof.lesions, shown: count(proof.lesions) }),
            voxels: count(proof.voxels),
            pixels: proof.furthest_pixels,
          })}{" "}
          {proof.changed_since
            ? t("proof.changed", { count: proof.changed_since, shown: count(proof.changed_since) })
            : ""}{" "}
          {t("proof.report")}
        </span>
      </div>
      {proof.differences.length ? (
        <ul className="sm" style={{ maxHeight: 160, overflow: "auto", color: "var(--bad)" }}>
          {proof.differences.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
