import { useTranslation } from "react-i18next";
import { useNextCase } from "@/features/worklist/api/next-case";
import { usePace } from "@/features/worklist/api/pace";
import { noteOf } from "@/features/worklist/components/case-row";
import { PaceBars } from "@/features/worklist/components/pace-bars";
import type { Pace, WorkRow } from "@/lib/api-types";
import { ago, count, duration, percent } from "@/lib/format";
import { Button, LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { Thumbnail } from "@/ui/thumbnail";

/** Continue, pace, decisions: this reader's own numbers, shown to nobody else here. */
export function PaceAside({ slug }: { slug: string }) {
  const pace = usePace(slug);
  return (
    <aside className="stack" style={{ width: 292, flex: "none", overflow: "auto" }}>
      {pace.isError ? (
        <Card>
          <ErrorState error={pace.error} retry={() => void pace.refetch()} />
        </Card>
      ) : null}
      {pace.data ? (
        <>
          {pace.data.continue ? (
            <ContinueCard slug={slug} row={pace.data.continue} />
          ) : (
            <StartCard slug={slug} pace={pace.data} />
          )}
          <PaceCard pace={pace.data} />
          <DecisionsCard pace={pace.data} />
        </>
      ) : null}
    </aside>
  );
}

function ContinueCard({ slug, row }: { slug: string; row: WorkRow }) {
  const { t } = useTranslation("worklist");
  return (
    <Card title={t("continue.title")} style={{ flex: "none" }}>
      <div className="row" style={{ gap: 12 }}>
        <Thumbnail src={row.thumbnail} width={84} height={63} />
        <div className="grow">
          <div className="b">{row.name}</div>
          <div className="sm sec">{noteOf(row, t)}</div>
          {row.changed_at ? <div className="sm q">{ago(row.changed_at)}</div> : null}
        </div>
      </div>
      <div style={{ marginTop: 12, display: "grid" }}>
        <LinkButton variant="primary" to={`/p/${slug}/read/${row.id}`} kbd="C">
          {t("continue.button")}
        </LinkButton>
      </div>
    </Card>
  );
}

function StartCard({ slug, pace }: { slug: string; pace: Pace }) {
  const { t } = useTranslation("worklist");
  const next = useNextCase(slug);
  const done = pace.total > 0 && pace.submitted >= pace.total;
  const nothing = done || next.data?.case === null;
  return (
    <Card title={t("start.title")} style={{ flex: "none" }}>
      <p className="sm sec">{nothing ? t("start.nothing") : t("start.note")}</p>
      {nothing ? null : (
        <div style={{ marginTop: 12, display: "grid", gap: 8 }}>
          <Button variant="primary" kbd="C" busy={next.isPending} onClick={() => next.mutate()}>
            {t("start.button")}
          </Button>
          <ErrorLine error={next.error} />
        </div>
      )}
    </Card>
  );
}

function PaceCard({ pace }: { pace: Pace }) {
  const { t } = useTranslation("worklist");
  const left = pace.total - pace.submitted;
  return (
    <Card
      title={t("pace.title")}
      actions={<span className="q sm">{t("pace.days", { count: pace.days.length })}</span>}
      style={{ flex: "none" }}
    >
      <div className="row" style={{ gap: 24, marginBottom: 12, alignItems: "flex-start" }}>
        <div>
          <div className="num keynum l">{count(pace.today)}</div>
          <div className="sm q">{t("pace.today", { count: pace.today })}</div>
        </div>
        <Median pace={pace} />
      </div>
      <PaceBars days={pace.days} />
      <div className="row sb sm" style={{ margin: "14px 0 6px" }}>
        <span className="sec num">
          {t("pace.submitted", { done: count(pace.submitted), total: count(pace.total) })}
        </span>
        {pace.median_seconds !== null && left > 0 ? (
          <span className="q num nw">{t("pace.left", { time: roughly(left * pace.median_seconds) })}</span>
        ) : null}
      </div>
      <div className="bar" aria-hidden="true">
        <i style={{ width: pace.total ? `${(pace.submitted / pace.total) * 100}%` : 0 }} />
      </div>
    </Card>
  );
}

/** Of many hours the minutes are no news. */
const roughly = (seconds: number): string =>
  seconds < 36_000 ? duration(seconds) : duration(Math.round(seconds / 3600) * 3600).replace(/\s*00\s*\S+$/u, "");

function Median({ pace }: { pace: Pace }) {
  const { t } = useTranslation("worklist");
  if (pace.median_seconds === null) return null;
  const spread =
    pace.low_seconds !== null && pace.high_seconds !== null
      ? t("pace.spread", { low: Math.round(pace.low_seconds), high: Math.round(pace.high_seconds) })
      : t("pace.median");
  return (
    <div>
      <div className="num keynum l">{duration(pace.median_seconds)}</div>
      <div className="sm q">{spread}</div>
    </div>
  );
}

const PARTS = [
  ["accepted", "#62b0f5"],
  ["edited", "#3d7cb0"],
  ["rejected", "#565656"],
] as const;

function DecisionsCard({ pace }: { pace: Pace }) {
  const { t } = useTranslation("worklist");
  const { decisions, looks, decision_seconds } = pace;
  const looked = looks.first + looks.changed + looks.second;
  const total = decisions.accepted + decisions.edited + decisions.rejected;
  if (total === 0) return null;
  return (
    <Card title={t("decisions.title")} style={{ flex: "none" }}>
      <div aria-hidden="true" style={{ display: "flex", gap: 2, borderRadius: 2, overflow: "hidden" }}>
        {PARTS.map(([kind, colour]) => (
          <i key={kind} style={{ flex: decisions[kind], background: colour, height: 8 }} />
        ))}
      </div>
      <div className="row sb sm sec" style={{ marginTop: 8 }}>
        {PARTS.map(([kind]) => (
          <span key={kind} className="num">
            {t(`decisions.${kind}`)} {percent(decisions[kind] / total)}
          </span>
        ))}
      </div>
      <p className="sm q num" style={{ marginTop: 10 }}>
        {t("decisions.total", { count: total, shown: count(total) })}
        {decision_seconds === null ? "" : ` · ${t("decisions.between", { time: duration(decision_seconds) })}`}
      </p>
      {looked > 0 ? <p className="sm q num">{t("decisions.looks", { ...looks })}</p> : null}
    </Card>
  );
}
