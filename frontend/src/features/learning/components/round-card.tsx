import { IconSquare } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { isLive, useCancelRound } from "@/features/learning/api/learning";
import { hasLoss, LossChart } from "@/features/learning/components/loss-chart";
import { RoundNumbers } from "@/features/learning/components/round-numbers";
import { RoundSteps } from "@/features/learning/components/round-steps";
import { lossRows } from "@/features/learning/loss-trace";
import { reasonWords } from "@/features/learning/round-reason";
import type { Learning, Round } from "@/lib/api-types";
import { dayTime } from "@/lib/format";
import { planWords } from "@/lib/plan-words";
import { serverWords } from "@/lib/server-words";
import { useKeys } from "@/lib/use-keys";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import { Chip, type ChipTone } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";

export function roundTone(state: Round["state"]): ChipTone {
  if (state === "done") return "ok";
  if (state === "failed") return "bad";
  return state === "cancelled" ? "warn" : "accent";
}

interface RoundCardProps {
  slug: string;
  round: Round | null;
  learning: Learning;
}

/** The round that runs, or the last one: six steps, the loss, four numbers, the log. */
export function RoundCard({ slug, round, learning }: RoundCardProps) {
  const { t } = useTranslation("learning");
  const cancel = useCancelRound(slug);
  const svg = useRef<SVGSVGElement>(null);
  const [logShown, showLog] = useState(false);
  const [asking, ask] = useState(false);
  useKeys({ l: () => showLog((now) => !now) }, { enabled: round !== null });
  if (!round) {
    return (
      <Card title={t("round.none")}>
        <p className="sec" style={{ maxWidth: 460 }}>
          {learning.labels.training === 0 ? t("round.noneNoLabels") : t("round.noneReady")}
        </p>
      </Card>
    );
  }
  const live = isLive(round);
  return (
    <Card
      title={
        <span className="row">
          {t("round.title", { n: round.number })}
          <Chip tone={roundTone(round.state)}>{t(`roundState.${round.state}`)}</Chip>
          <Chip>{t(`track.${round.track}`)}</Chip>
        </span>
      }
      note={noteOf()}
      actions={
        <>
          {hasLoss(round) && !logShown ? (
            <ExportButtons name={`${slug}-loss-round-${round.number}`} svg={svg} rows={() => lossRows(round)} />
          ) : null}
          <Button dense variant="ghost" kbd="L" aria-pressed={logShown} onClick={() => showLog(!logShown)}>
            {t("round.log")}
          </Button>
          {live ? (
            <Button dense icon={<IconSquare size={14} stroke={1.6} />} onClick={() => ask(true)}>
              {t("round.cancel")}
            </Button>
          ) : null}
        </>
      }
    >
      <RoundSteps round={round} />
      <PlanLine round={round} />
      {round.message ? (
        <p className={`alert ${round.state === "failed" ? "bad" : "plain"} sm`} style={{ marginBottom: 12 }}>
          {serverWords(round.message, t)}
        </p>
      ) : null}
      {logShown ? (
        <FullLog lines={round.log} />
      ) : (
        <div style={{ display: "flex", gap: 20 }}>
          <div className="grow">
            <LossChart round={round} svgRef={svg} />
          </div>
          <RoundNumbers round={round} live={live} />
        </div>
      )}
      <ConfirmDialog
        opened={asking}
        title={t("round.cancelTitle", { n: round.number })}
        action={t("round.cancel")}
        danger
        busy={cancel.isPending}
        error={cancel.error}
        onClose={() => ask(false)}
        onConfirm={() => cancel.mutate(round.number, { onSuccess: () => ask(false) })}
      >
        {t("round.cancelNote")}
      </ConfirmDialog>
    </Card>
  );

  function noteOf(): string {
    if (!round) return "";
    const who = reasonWords(round.reason, round.started_by, t);
    const from =
      round.base_version === null
        ? t("start_with.scratch")
        : t(`start_with.${round.start}`, { n: round.base_version });
    return [dayTime(round.created_at), who, from].filter(Boolean).join(t("join"));
  }
}

/** What the network of this round sees, and why; a round that has not begun has no plan yet. */
function PlanLine({ round }: { round: Round }) {
  const { t } = useTranslation("learning");
  const [shape, ...why] = planWords(round.settings, t);
  if (!shape) return null;
  return (
    <p className="sm sec" style={{ margin: "0 0 12px" }}>
      {shape}
      <span className="xs q" style={{ display: "block" }}>
        {why.join(t("common:plan.join"))}
      </span>
    </p>
  );
}

function FullLog({ lines }: { lines: string[] }) {
  const { t } = useTranslation("learning");
  return (
    <pre className="mono sec" style={{ margin: 0, height: 232, overflow: "auto", whiteSpace: "pre-wrap" }}>
      {lines.length ? lines.join("\n") : t("round.noLog")}
    </pre>
  );
}
