import { IconAdjustments } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { isLive, learningKey, useLearning, useRound, useStartRound } from "@/features/learning/api/learning";
import { ArmsCard } from "@/features/learning/components/arms-card";
import { CurveCard } from "@/features/learning/components/curve-card";
import { LabelsCard } from "@/features/learning/components/labels-card";
import { NextCard } from "@/features/learning/components/next-card";
import { PolicyDialog } from "@/features/learning/components/policy-dialog";
import { RoundCard } from "@/features/learning/components/round-card";
import { RoundsCard } from "@/features/learning/components/rounds-card";
import { roundsNow } from "@/features/learning/rounds-now";
import { ApiError } from "@/lib/api-client";
import type { Learning } from "@/lib/api-types";
import { count } from "@/lib/format";
import { useSlug } from "@/lib/project";
import { useKeys } from "@/lib/use-keys";
import { Button, LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { Cell } from "@/ui/cell";
import { EmptyState } from "@/ui/empty-state";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

export default function LearningPage() {
  const { t } = useTranslation("learning");
  const slug = useSlug();
  const learning = useLearning(slug);
  if (learning.isError) {
    return (
      <>
        <PageHead title={t("title")} />
        <Card>
          <ErrorState error={learning.error} retry={() => void learning.refetch()} />
        </Card>
      </>
    );
  }
  if (!learning.data) {
    return (
      <>
        <PageHead title={t("title")} />
        <Card bare>
          <LoadingRows rows={10} />
        </Card>
      </>
    );
  }
  return <LearningBody slug={slug} learning={learning.data} />;
}

function LearningBody({ slug, learning }: { slug: string; learning: Learning }) {
  const { t, i18n } = useTranslation("learning");
  const client = useQueryClient();
  const start = useStartRound(slug);
  const [editing, setEditing] = useState(false);
  const shown = learning.live ?? learning.last;
  const polled = useRound(slug, learning.live?.number, learning.live !== null);
  const round = polled.data && polled.data.number === shown?.number ? polled.data : shown;
  const finished = learning.live !== null && polled.data !== undefined && !isLive(polled.data);
  useEffect(() => {
    if (!finished) return;
    // The round has ended: curve, ranking and worklist are new.
    for (const key of [learningKey(slug), ["models", slug], ["worklist", slug]]) {
      void client.invalidateQueries({ queryKey: key });
    }
  }, [finished, client, slug]);
  const inWords = (error: Error) =>
    error instanceof ApiError && i18n.exists(`learning:startRefused.${error.code}`)
      ? new Error(t(`startRefused.${error.code}`))
      : error;
  const mayStart = learning.live === null && learning.labels.training > 0 && !start.isPending;
  // Without a version that serves there is but one way to begin.
  const both = learning.serving !== null;
  useKeys({
    r: () => mayStart && start.mutate("fast"),
    a: () => mayStart && both && start.mutate("slow"),
  });

  return (
    <>
      <PageHead title={t("title")} note={<StateSentence learning={learning} />}>
        {start.isError ? (
          <ErrorLine error={inWords(start.error)} />
        ) : (
          <span className="q sm nw">{triggerText()}</span>
        )}
        <Button icon={<IconAdjustments size={16} stroke={1.6} />} onClick={() => setEditing(true)}>
          {t("policy.button")}
        </Button>
        {both ? (
          <Button kbd="A" disabled={!mayStart} title={t("anewNote")} onClick={() => start.mutate("slow")}>
            {t("anew")}
          </Button>
        ) : null}
        <Button
          variant="primary"
          kbd="R"
          disabled={!mayStart}
          busy={start.isPending}
          onClick={() => start.mutate("fast")}
        >
          {t("start")}
        </Button>
      </PageHead>
      {learning.rounds.length === 0 && !round ? (
        <NoRounds slug={slug} hasLabels={learning.labels.training > 0} />
      ) : (
        <div className="g12 learn">
          <Cell span={7}>
            <RoundCard slug={slug} round={round ?? null} learning={learning} />
          </Cell>
          <Cell span={5}>
            <CurveCard slug={slug} metric={learning.metric} points={learning.curve} forecast={learning.forecast} />
          </Cell>
          <Cell span={7}>
            <NextCard slug={slug} learning={learning} />
          </Cell>
          <Cell span={5}>
            <RoundsCard
              slug={slug}
              metric={learning.metric}
              rounds={roundsNow(learning.rounds, polled.data)}
              live={polled.data ?? learning.live}
            />
          </Cell>
          <Cell span={7}>
            <ArmsCard slug={slug} />
          </Cell>
          <Cell span={5}>
            <LabelsCard slug={slug} />
          </Cell>
        </div>
      )}
      {editing ? (
        <PolicyDialog
          slug={slug}
          policy={learning.policy}
          metric={learning.metric}
          onClose={() => setEditing(false)}
        />
      ) : null}
    </>
  );

  function triggerText(): string {
    if (learning.live) return t("trigger.live", { n: learning.live.number });
    if (learning.labels.training === 0) return t("trigger.noLabels");
    if (!learning.policy.enabled) return t("trigger.byHand");
    const left = Math.max(0, learning.policy.every_n_readings - learning.new_readings);
    if (!left) return t("trigger.soon");
    const { growth_percent: now, policy } = learning;
    const both = now !== null && policy.slow_growth > 0;
    return t(both ? "trigger.both" : "trigger.after", {
      count: left,
      shown: count(left),
      at: policy.slow_growth,
      now,
    });
  }
}

/** Before the first round: what this page will hold, and the one next step; starting is the button in the head. */
function NoRounds({ slug, hasLabels }: { slug: string; hasLabels: boolean }) {
  const { t } = useTranslation("learning");
  return (
    <EmptyState
      title={t("round.none")}
      actions={
        hasLabels ? null : (
          <LinkButton variant="primary" to={`/p/${slug}/worklist`}>
            {t("round.toWorklist")}
          </LinkButton>
        )
      }
    >
      <p>{t(hasLabels ? "round.noneReady" : "round.noneNoLabels")}</p>
      <p style={{ marginTop: 8 }}>{t("curve.none")}</p>
    </EmptyState>
  );
}

function StateSentence({ learning }: { learning: Learning }) {
  const { t } = useTranslation("learning");
  return (
    <>
      <span className="vr" />
      <span className="sec num ell">
        {t(learning.serving === null ? "state.none" : "state.serves", {
          training: count(learning.labels.training),
          validation: count(learning.labels.validation),
          n: learning.serving,
        })}
      </span>
    </>
  );
}
