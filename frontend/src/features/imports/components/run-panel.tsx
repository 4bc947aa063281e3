import { IconCheck, IconChevronDown, IconDownload } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { itemsCsv, useStartWithout } from "@/features/imports/api/imports";
import { ItemTable } from "@/features/imports/components/item-table";
import type { ImportRun, ItemState } from "@/lib/api-types";
import { count, dayTime, duration } from "@/lib/format";
import { originWords } from "@/lib/origin-words";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Chip, type ChipTone } from "@/ui/chip";
import { ErrorLine } from "@/ui/error-state";
import { Menu, MenuItem } from "@/ui/menu";
import { Segmented } from "@/ui/segmented";

interface RunPanelProps {
  slug: string;
  run: ImportRun;
  runs: ImportRun[];
  onChoose: (id: string) => void;
}

const PARTS: [ItemState, string][] = [
  ["imported", "#4cc38a"],
  ["held", "var(--held)"],
  ["duplicate", "#6e6e6e"],
  ["embargoed", "#e8b33f"],
  ["refused", "#ff8577"],
];
const TONE: Record<ImportRun["state"], ChipTone> = {
  uploading: "warn",
  receiving: "accent",
  queued: "accent",
  running: "accent",
  done: "ok",
  failed: "bad",
};

/** One run: how far, what became of the files by kind, and of each, worst first. */
export function RunPanel({ slug, run, runs, onChoose }: RunPanelProps) {
  const { t } = useTranslation("imports");
  const [state, setState] = useState<ItemState | "">("");
  const startWithout = useStartWithout(slug, run.id);
  const settled = PARTS.reduce((sum, [kind]) => sum + run.counts[kind], 0);
  const busy = run.state === "queued" || run.state === "running";
  const newest = runs[0];
  const newer = newest && newest.id !== run.id && newest.created_at > run.created_at ? newest : undefined;
  const left = useTimeLeft(run.id, settled, run.counts.total);
  const filters: (ItemState | "")[] = ["", "refused", "embargoed", "duplicate", "imported"];
  if (run.counts.held) filters.splice(1, 0, "held");
  if (run.counts.waiting) filters.push("waiting");
  if (run.counts.uploading) filters.push("uploading");
  return (
    <>
      <div style={{ padding: 16 }}>
        <div className="row" style={{ marginBottom: 12 }}>
          <RunMenu run={run} runs={runs} onChoose={onChoose} />
          <Chip tone={TONE[run.state]} icon={run.state === "done" ? <IconCheck /> : undefined}>
            {t(`run.${run.state}`)}
          </Chip>
          {run.origin ? (
            <span className="sm sec ell" style={{ minWidth: 0 }} title={run.origin}>
              {originWords(run.origin, t)}
            </span>
          ) : null}
          <span className="grow" />
          {newer ? (
            <Button dense variant="ghost" onClick={() => onChoose(newer.id)}>
              {t("run.newer", { state: t(`run.${newer.state}`) })}
            </Button>
          ) : null}
          <span className="sm sec num nw">
            {run.state === "receiving"
              ? t("run.soFar", { count: run.counts.total, shown: count(run.counts.total) })
              : t("run.files", { done: count(settled), total: count(run.counts.total) })}
            {busy && left !== null ? `, ${t("timeLeft", { time: duration(left) })}` : ""}
          </span>
        </div>
        {busy ? (
          <div className="bar" style={{ height: 6, marginBottom: 14 }} aria-hidden="true">
            <i style={{ width: `${run.counts.total ? (settled / run.counts.total) * 100 : 0}%` }} />
          </div>
        ) : null}
        <div aria-hidden="true" className="parts" style={{ marginBottom: 10 }}>
          {settled ? (
            PARTS.filter(([kind]) => run.counts[kind]).map(([kind, colour]) => (
              <i key={kind} style={{ flex: run.counts[kind], minWidth: 3, background: colour }} />
            ))
          ) : (
            <i style={{ flex: 1, background: "var(--n5)" }} />
          )}
        </div>
        <div className="row sm" style={{ gap: 20 }}>
          {PARTS.map(([kind, colour]) => (
            <span key={kind} className="row" style={{ gap: 6 }}>
              <i aria-hidden="true" style={{ width: 9, height: 9, borderRadius: 2, background: colour }} />
              <b className="b num">{count(run.counts[kind])}</b>
              <span className="sec">{t(`item.${kind}`)}</span>
            </span>
          ))}
        </div>
        {run.message ? (
          <p className={`alert ${run.state === "failed" ? "bad" : "plain"}`} style={{ marginTop: 12 }}>
            {serverWords(run.message, t)}
          </p>
        ) : null}
        {run.state === "receiving" ? (
          <p className="alert plain" style={{ marginTop: 12 }}>
            {t("run.receivingNote")}
          </p>
        ) : null}
        <ErrorLine error={startWithout.error} />
        {run.state === "uploading" ? (
          <div className="alert warn" style={{ marginTop: 12 }}>
            <span className="grow">
              {t("run.broken", { count: run.counts.uploading, shown: count(run.counts.uploading) })}
            </span>
            <Button dense busy={startWithout.isPending} onClick={() => startWithout.mutate()}>
              {t("run.startWithout")}
            </Button>
          </div>
        ) : null}
      </div>
      <div className="row" style={{ padding: "12px 16px", borderTop: "1px solid var(--n5)", flexWrap: "wrap" }}>
        <Segmented
          label={t("result")}
          value={state}
          onChange={setState}
          options={filters.map((kind) => ({
            value: kind,
            label: (
              <>
                <span className="cap">{t(kind ? `item.${kind}` : "item.all")}</span>
                <span className="num q" style={{ fontWeight: 400 }}>
                  {count(kind ? run.counts[kind] : run.counts.total)}
                </span>
              </>
            ),
          }))}
        />
        <span className="grow" />
        <a className="btn d gh" href={itemsCsv(slug, run.id)} download>
          <IconDownload size={16} stroke={1.6} />
          {t("common:csv")}
        </a>
      </div>
      <ItemTable
        slug={slug}
        run={run.id}
        state={state}
        arriving={run.state === "receiving"}
        total={state ? run.counts[state] : run.counts.total}
        revision={settled}
      />
    </>
  );
}

function RunMenu({ run, runs, onChoose }: Omit<RunPanelProps, "slug">) {
  const { t } = useTranslation("imports");
  const title = <h2>{t("run.title", { time: dayTime(run.created_at) })}</h2>;
  if (runs.length < 2) return title;
  return (
    <Menu
      width={380}
      trigger={(props) => (
        <button type="button" className="btn gh" style={{ marginLeft: -12, color: "var(--n10)" }} {...props}>
          {title}
          <IconChevronDown size={14} stroke={1.6} />
        </button>
      )}
    >
      {runs.map((one) => (
        <MenuItem
          key={one.id}
          onClick={() => onChoose(one.id)}
          right={<span className="q sm num">{count(one.counts.total)}</span>}
        >
          {t("run.title", { time: dayTime(one.created_at) })}
          <span className="q sm ell" style={{ display: "block", maxWidth: 290 }}>
            {[t(`run.${one.state}`), one.origin ? originWords(one.origin, t) : one.created_by]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </MenuItem>
      ))}
    </Menu>
  );
}

/** Seconds left at the pace seen since this page has been looking; null before two observations. */
function useTimeLeft(run: string, done: number, total: number): number | null {
  const first = useRef<{ run: string; done: number; at: number } | null>(null);
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    const now = Date.now();
    if (first.current?.run !== run) first.current = { run, done, at: now };
    const fresh = done - first.current.done;
    const elapsed = (now - first.current.at) / 1000;
    setLeft(fresh > 0 && elapsed > 2 ? ((total - done) / fresh) * elapsed : null);
  }, [run, done, total]);
  return left;
}
