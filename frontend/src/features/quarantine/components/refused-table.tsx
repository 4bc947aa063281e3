import { Checkbox } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { downloadOf, useRetry } from "@/features/quarantine/api/quarantine";
import { DiscardDialog } from "@/features/quarantine/components/discard-dialog";
import { DoorLine, FactsLine } from "@/features/quarantine/components/facts-line";
import { GroupFilter } from "@/features/quarantine/components/group-filter";
import { chosenOf, NOTHING, type Selection, toggled } from "@/features/quarantine/state/selection";
import type { QuarantinedFile, QuarantineGroup } from "@/lib/api-types";
import { bytes, count, day, dayTime, middle } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { hasEnded, useJob } from "@/lib/use-job";
import { Button, LinkButton } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";

interface RefusedTableProps {
  slug: string;
  files: QuarantinedFile[];
  total: number;
  groups: QuarantineGroup[];
  group: string;
  /** Originals are given to this lead. */
  mayDownload: boolean;
  onGroup: (group: string) => void;
}

/** Files that an import refused: what they were called, why, until when they lie here; to be had, tried again, discarded. */
export function RefusedTable({ slug, files, total, groups, group, mayDownload, onGroup }: RefusedTableProps) {
  const { t } = useTranslation("quarantine");
  const [chosen, choose] = useState<Selection>(NOTHING);
  const [leaving, leave] = useState<string[]>([]);
  const retry = useRetry(slug);
  // The imports run one after the other: with the last all are done.
  const lastJob = retry.data?.jobs[retry.data.jobs.length - 1];
  const job = useJob(slug, lastJob, ["quarantine", slug]).data;
  const isTrying = retry.isPending || (retry.data !== undefined && !(job && hasEnded(job)));
  const tryAgain = (ids: string[]) => retry.mutate({ files: ids }, { onSuccess: () => choose(NOTHING) });
  const told = retry.data ? (
    <div className="row sm sec" role="status" style={{ padding: "0 16px 12px", gap: 12, flex: "none" }}>
      <span>{t(isTrying ? "trying" : "tried", { count: retry.data.files, shown: count(retry.data.files) })}</span>
      {isTrying ? null : (
        <LinkButton dense variant="ghost" to={`/p/${slug}/import`}>
          {t("toResult")}
        </LinkButton>
      )}
    </div>
  ) : null;
  if (files.length === 0 && !group)
    return (
      <>
        <EmptyState title={t("noneRefused")}>{t("noneRefusedNote")}</EmptyState>
        {told}
      </>
    );
  const ids = chosenOf(files, chosen).map((one) => one.id);
  const again = chosenOf(files, chosen)
    .filter((one) => one.may_retry)
    .map((one) => one.id);
  return (
    <>
      <div className="row" style={{ padding: "12px 16px", gap: 12, flex: "none" }}>
        <div style={{ width: 420 }}>
          <GroupFilter groups={groups} value={group} onChange={onGroup} />
        </div>
        {total > files.length ? <span className="sm q">{t("firstOf", { shown: count(total) })}</span> : null}
        <span className="grow" />
        <Button dense busy={isTrying} disabled={again.length === 0} onClick={() => tryAgain(again)}>
          {again.length ? t("retryMany", { count: again.length, shown: count(again.length) }) : t("retry")}
        </Button>
        <Button dense disabled={ids.length === 0} onClick={() => leave(ids)}>
          {ids.length ? t("discardMany", { count: ids.length, shown: count(ids.length) }) : t("discard")}
        </Button>
      </div>
      {told}
      {retry.isError ? <ErrorState error={retry.error} /> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too */}
      <section className="scroll" style={{ flex: 1 }} tabIndex={0} aria-label={t("refused")}>
        <table style={{ minWidth: 960 }}>
          <thead>
            <tr>
              <th style={{ width: 36 }}>
                <Checkbox
                  size="xs"
                  aria-label={t("chooseAll", { count: files.length, shown: count(files.length) })}
                  checked={files.length > 0 && ids.length === files.length}
                  indeterminate={ids.length > 0 && ids.length < files.length}
                  onChange={(event) =>
                    choose(event.currentTarget.checked ? new Set(files.map((one) => one.id)) : NOTHING)
                  }
                />
              </th>
              <th>{t("file")}</th>
              <th>{t("why.head")}</th>
              <th className="r">{t("bytes")}</th>
              <th>{t("came")}</th>
              <th>{t("until")}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {files.map((file) => (
              <tr key={file.id}>
                <td>
                  <Checkbox
                    size="xs"
                    aria-label={t("choose", { name: file.name || t("unnamed") })}
                    checked={chosen.has(file.id)}
                    onChange={() => choose(toggled(chosen, file.id))}
                  />
                </td>
                <td style={{ paddingBlock: 8 }}>
                  <div className="mono" title={file.name}>
                    {middle(file.name || t("unnamed"), 36)}
                  </div>
                  <FactsLine file={file} />
                </td>
                <td className="wrap sm">{serverWords(file.reason, t)}</td>
                <td className="r num sec">{bytes(file.size)}</td>
                <td className="sec nw num">
                  <div>{dayTime(file.created_at)}</div>
                  <DoorLine file={file} />
                </td>
                <td className="sec nw">{day(file.expires_at)}</td>
                <td className="r nw">
                  {mayDownload ? (
                    <a
                      className="btn d gh"
                      href={downloadOf(slug, file.id)}
                      aria-label={t("downloadName", { name: file.name || t("unnamed") })}
                      download
                    >
                      {t("download")}
                    </a>
                  ) : null}
                  {file.may_retry ? (
                    <Button dense variant="ghost" disabled={isTrying} onClick={() => tryAgain([file.id])}>
                      {t("retry")}
                    </Button>
                  ) : null}
                  <Button dense variant="ghost" onClick={() => leave([file.id])}>
                    {t("discard")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <DiscardDialog slug={slug} files={leaving} onDone={() => choose(NOTHING)} onClose={() => leave([])} />
    </>
  );
}
