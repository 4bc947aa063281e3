import { Checkbox } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DiscardDialog } from "@/features/quarantine/components/discard-dialog";
import { DoorLine, FactsLine } from "@/features/quarantine/components/facts-line";
import { GroupFilter } from "@/features/quarantine/components/group-filter";
import { chosenOf, NOTHING, type Selection, toggled } from "@/features/quarantine/state/selection";
import type { QuarantinedFile, QuarantineGroup } from "@/lib/api-types";
import { bytes, count, day, dayTime, middle } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

interface RefusedTableProps {
  slug: string;
  files: QuarantinedFile[];
  total: number;
  groups: QuarantineGroup[];
  group: string;
  onGroup: (group: string) => void;
}

/** Files that could not be read: what they were called, why, until when they lie here. They are never given out. */
export function RefusedTable({ slug, files, total, groups, group, onGroup }: RefusedTableProps) {
  const { t } = useTranslation("quarantine");
  const [chosen, choose] = useState<Selection>(NOTHING);
  const [leaving, leave] = useState<string[]>([]);
  if (files.length === 0 && !group)
    return <EmptyState title={t("noneRefused")}>{t("noneRefusedNote")}</EmptyState>;
  const ids = chosenOf(files, chosen).map((one) => one.id);
  return (
    <>
      <div className="row" style={{ padding: "12px 16px", gap: 12, flex: "none" }}>
        <div style={{ width: 420 }}>
          <GroupFilter groups={groups} value={group} onChange={onGroup} />
        </div>
        {total > files.length ? <span className="sm q">{t("firstOf", { shown: count(total) })}</span> : null}
        <span className="grow" />
        <Button dense disabled={ids.length === 0} onClick={() => leave(ids)}>
          {ids.length ? t("discardMany", { count: ids.length, shown: count(ids.length) }) : t("discard")}
        </Button>
      </div>
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
                <td className="r">
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
