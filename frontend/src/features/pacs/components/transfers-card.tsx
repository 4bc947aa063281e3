import { IconAlertTriangle, IconCheck, IconClock, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useCancelTransfer, useResumeTransfer } from "@/features/pacs/api/pacs";
import type { Transfer } from "@/lib/api-types";
import { count, dayTime } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip, type ChipTone } from "@/ui/chip";
import { ErrorLine } from "@/ui/error-state";

/** Pulls and sends, the newest first: how far each is, what failed and why, and how to go on. */
export function TransfersCard({ slug, transfers }: { slug: string; transfers: Transfer[] }) {
  const { t } = useTranslation("pacs");
  return (
    <Card title={t("transfers")} bare style={{ flex: "none", maxHeight: "min(264px, 23vh)" }}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too */}
      <section className="scroll" tabIndex={0} aria-label={t("transfers")}>
        <ul>
          {transfers.map((transfer) => (
            <TransferRow key={transfer.id} slug={slug} transfer={transfer} />
          ))}
        </ul>
      </section>
    </Card>
  );
}

type Look = "queued" | "running" | "succeeded" | "partly" | "failed" | "cancelled";
const LOOK: Record<Look, [ChipTone, ReactNode]> = {
  queued: ["neutral", <IconClock key="q" />],
  running: ["accent", <IconClock key="r" />],
  succeeded: ["ok", <IconCheck key="s" />],
  partly: ["warn", <IconAlertTriangle key="p" />],
  failed: ["bad", <IconX key="f" />],
  cancelled: ["neutral", <IconX key="c" />],
};

function TransferRow({ slug, transfer }: { slug: string; transfer: Transfer }) {
  const { t } = useTranslation("pacs");
  const cancel = useCancelTransfer(slug);
  const resume = useResumeTransfer(slug);
  const failed = transfer.outcomes.filter((one) => one.state === "failed");
  const look: Look = transfer.state === "succeeded" && failed.length ? "partly" : transfer.state;
  const isBusy = transfer.state === "queued" || transfer.state === "running";
  const [tone, icon] = LOOK[look];
  const share = transfer.total ? Math.min(1, transfer.done / transfer.total) : null;
  return (
    <li className="pacs-transfer">
      <div className="row" style={{ gap: 10 }}>
        <Chip tone={tone} icon={icon}>
          {t(`state.${look}`)}
        </Chip>
        <span className="b ell">
          {t(`what.${transfer.direction}`, { count: transfer.outcomes.length, name: transfer.node })}
        </span>
        <span className="q sm nw">
          {transfer.created_by}, {dayTime(transfer.created_at)}
        </span>
        <span className="grow" />
        {isBusy && transfer.phase ? (
          <span className="sm sec num nw">
            {t(`phase.${transfer.phase}`)} {count(transfer.done)}
            {transfer.total === null ? "" : ` / ${count(transfer.total)}`}
          </span>
        ) : null}
        {transfer.import_run && !isBusy ? (
          <Link className="sm" to={`/p/${slug}/import`}>
            {t("toImport")}
          </Link>
        ) : null}
        {isBusy ? (
          <Button dense variant="ghost" busy={cancel.isPending} onClick={() => cancel.mutate(transfer.id)}>
            {t("common:cancel")}
          </Button>
        ) : null}
        {transfer.may_resume ? (
          <Button dense busy={resume.isPending} onClick={() => resume.mutate(transfer.id)}>
            {t("resume")}
          </Button>
        ) : null}
      </div>
      {isBusy ? (
        <div className="bar" style={{ marginTop: 8 }}>
          <i style={{ width: `${(share ?? 0) * 100}%` }} />
        </div>
      ) : null}
      <ErrorLine error={cancel.error ?? resume.error} />
      {reasonsOf(transfer).map(([reason, which]) => (
        <div key={reason} className="row t sm" style={{ gap: 6, marginTop: 4 }}>
          <IconAlertTriangle size={14} color="var(--bad)" style={{ flex: "none", marginTop: 2 }} />
          <span className="sec">
            {t(`which.${transfer.direction}`, { which: which.join(", ") })}: {serverWords(reason, t)}
          </span>
        </div>
      ))}
    </li>
  );
}

/** Each reason once, with the numbers of the studies or the names of the cases that it befell. */
function reasonsOf(transfer: Transfer): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const one of transfer.outcomes) {
    if (one.state !== "failed") continue;
    found.set(one.reason, [...(found.get(one.reason) ?? []), one.case ?? String(one.number)]);
  }
  if (!found.size && transfer.error) found.set(transfer.error, ["–"]);
  return [...found];
}
