import { IconBucket, IconFolder } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  useDeleteWatched,
  usePauseWatched,
  useRefusedFiles,
  useRetryWatched,
  useWatched,
} from "@/features/imports/api/watched";
import { NewWatchedForm } from "@/features/imports/components/new-watched-form";
import type { WatchedSource } from "@/lib/api-types";
import { count, dayTime } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine, ErrorState } from "@/ui/error-state";

/** Folders and buckets that are followed: what comes there is imported by itself. */
export function WatchedCard({ slug }: { slug: string }) {
  const { t } = useTranslation("imports");
  const watched = useWatched(slug);
  const forget = useDeleteWatched(slug);
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<WatchedSource | null>(null);
  if (watched.isError) {
    return (
      <Card title={t("watched.title")} style={{ flex: "none" }}>
        <ErrorState error={watched.error} retry={() => void watched.refetch()} />
      </Card>
    );
  }
  const data = watched.data;
  if (!data) return null;
  const mayAdd = data.roots.length + data.endpoints.length > 0;
  return (
    <Card
      title={t("watched.title")}
      actions={
        mayAdd && !adding ? (
          <Button dense onClick={() => setAdding(true)}>
            {t("watched.add")}
          </Button>
        ) : null
      }
      style={{ flex: "none" }}
    >
      <div className="stack">
        {data.results.map((source) => (
          <Source key={source.id} slug={slug} source={source} onDelete={() => setLeaving(source)} />
        ))}
        {adding ? (
          <NewWatchedForm slug={slug} allowed={data} onDone={() => setAdding(false)} />
        ) : data.results.length === 0 ? (
          <p className="sm q">{t(mayAdd ? "watched.none" : "watched.notAllowed")}</p>
        ) : null}
      </div>
      <ConfirmDialog
        opened={leaving !== null}
        title={t("watched.deleteTitle")}
        action={t("watched.delete")}
        danger
        busy={forget.isPending}
        error={forget.error}
        onClose={() => setLeaving(null)}
        onConfirm={() => leaving && forget.mutate(leaving.id, { onSuccess: () => setLeaving(null) })}
      >
        <span style={{ overflowWrap: "anywhere" }}>{leaving?.location}</span> {t("watched.deleteNote")}
      </ConfirmDialog>
    </Card>
  );
}

interface SourceProps {
  slug: string;
  source: WatchedSource;
  onDelete: () => void;
}

function Source({ slug, source, onDelete }: SourceProps) {
  const { t } = useTranslation("imports");
  const pause = usePauseWatched(slug);
  const retry = useRetryWatched(slug);
  const refused = useRefusedFiles(slug, source.id, source.counts.refused);
  const state = !source.is_enabled ? "paused" : source.error ? "failing" : "on";
  const Icon = source.kind === "folder" ? IconFolder : IconBucket;
  const { imported, refused: nRefused, vanished } = source.counts;
  const coming = source.counts.growing + source.counts.waiting + source.counts.taken;
  return (
    <div className="col" style={{ gap: 6 }}>
      <div className="row" style={{ gap: 8 }}>
        <Icon size={16} stroke={1.6} style={{ flex: "none" }} aria-hidden="true" />
        <span className="b ell grow" style={{ direction: "rtl", textAlign: "left" }} title={source.location}>
          <bdi>{source.location}</bdi>
        </span>
        <Chip tone={state === "on" ? "ok" : state === "paused" ? "neutral" : "warn"}>
          {t(`watched.is.${state}`)}
        </Chip>
      </div>
      <p className="sm q num">
        {t("watched.counts", { imported: count(imported), coming: count(coming) })}
        {vanished ? ` · ${t("watched.vanished", { count: vanished, shown: count(vanished) })}` : ""}
        {source.looked_at ? ` · ${t("watched.looked", { at: dayTime(source.looked_at) })}` : ""}
      </p>
      {source.error ? (
        <p className="sm" style={{ color: "var(--warn)", overflowWrap: "anywhere" }}>
          {serverWords(source.error, t)}
        </p>
      ) : null}
      {nRefused ? (
        <details className="sm">
          <summary className="sec">{t("watched.refused", { count: nRefused, shown: count(nRefused) })}</summary>
          <ul className="q" style={{ marginTop: 6, maxHeight: 160, overflow: "auto" }}>
            {refused.data?.results.map((file) => (
              <li key={file.name + file.seen_at} style={{ padding: "3px 0", overflowWrap: "anywhere" }}>
                <span className="sec">{file.name}</span> {serverWords(file.reason, t)}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      <div className="row" style={{ gap: 8 }}>
        <Button dense busy={pause.isPending} onClick={() => pause.mutate(source)}>
          {t(source.is_enabled ? "watched.pause" : "watched.resume")}
        </Button>
        {nRefused ? (
          <Button dense busy={retry.isPending} onClick={() => retry.mutate(source.id)}>
            {t("watched.retry")}
          </Button>
        ) : null}
        <span className="grow" />
        <Button dense variant="danger" onClick={onDelete}>
          {t("watched.delete")}
        </Button>
      </div>
      <ErrorLine error={pause.error ?? retry.error} />
    </div>
  );
}
