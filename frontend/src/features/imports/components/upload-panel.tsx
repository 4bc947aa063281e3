import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useUpload } from "@/features/imports/state/upload-store";
import { bytes, count, duration } from "@/lib/format";
import { Button } from "@/ui/button";
import { Chip } from "@/ui/chip";
import { ErrorLine } from "@/ui/error-state";

/** Files on their way to the server: how many, how much, how long; pause and go on. */
export function UploadPanel() {
  const { t } = useTranslation("imports");
  const upload = useUpload();
  const share = upload.bytes ? upload.sent / upload.bytes : 0;
  const left = secondsLeft(upload);
  const halted = upload.phase === "paused" || upload.phase === "failed";
  return (
    <div style={{ padding: 16 }}>
      <div className="row" style={{ marginBottom: 12, minHeight: 28 }}>
        <h2>{t("upload.title", { count: upload.files.length, shown: count(upload.files.length) })}</h2>
        <Chip tone={upload.phase === "failed" ? "bad" : upload.phase === "paused" ? "warn" : "accent"}>
          {t(`upload.${upload.phase}`)}
        </Chip>
        <span className="grow" />
        <span className="sm sec num">
          {t("upload.progress", { sent: bytes(upload.sent), total: bytes(upload.bytes) })}
          {left === null ? "" : `, ${t("timeLeft", { time: duration(left) })}`}
        </span>
        {upload.phase === "sending" ? (
          <Button dense icon={<IconPlayerPause size={14} stroke={1.6} />} onClick={upload.pause}>
            {t("upload.pause")}
          </Button>
        ) : null}
        {halted ? (
          <Button dense variant="ghost" onClick={upload.leave}>
            {t("upload.leave")}
          </Button>
        ) : null}
        {halted && upload.run ? (
          <Button
            dense
            icon={<IconPlayerPlay size={14} stroke={1.6} />}
            onClick={() => upload.run && void upload.resume(upload.slug, upload.run, upload.files)}
          >
            {t("upload.goOn")}
          </Button>
        ) : null}
      </div>
      <div
        className="bar"
        style={{ height: 6 }}
        role="progressbar"
        aria-label={t("upload.title", { count: upload.files.length, shown: count(upload.files.length) })}
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <p className="sm q num" style={{ marginTop: 10 }}>
        {t("upload.files", { done: count(upload.doneFiles), total: count(upload.files.length) })}{" "}
      </p>
      {upload.phase === "failed" ? (
        <div style={{ marginTop: 10 }}>
          <ErrorLine error={upload.error} />
        </div>
      ) : null}
    </div>
  );
}

interface Travelled {
  phase: string;
  bytes: number;
  sent: number;
  sentAtStart: number;
  startedAt: number;
  doneFiles: number;
  doneAtStart: number;
  files: unknown[];
}

/** By bytes or by files, whichever is further from its end: many small files take their time too. */
function secondsLeft(upload: Travelled): number | null {
  const elapsed = (Date.now() - upload.startedAt) / 1000;
  if (upload.phase !== "sending" || elapsed < 2) return null;
  const left = (done: number, before: number, total: number) =>
    done > before ? ((total - done) / (done - before)) * elapsed : null;
  const byBytes = left(upload.sent, upload.sentAtStart, upload.bytes);
  const byFiles = left(upload.doneFiles, upload.doneAtStart, upload.files.length);
  if (byBytes === null || byFiles === null) return byBytes;
  return Math.max(byBytes, byFiles);
}
