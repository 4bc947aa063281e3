import { IconFlask, IconSquare } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  isAnswering,
  type Kind,
  useAskInquiry,
  useInquiry,
  useStopInquiry,
} from "@/features/learning/api/inquiries";
import type { Inquiry, InquiryAnswer } from "@/lib/api-types";
import { count, duration } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

interface InquiryCardProps {
  slug: string;
  kind: Kind;
  /** The last answer, in words. */
  children: (answer: InquiryAnswer) => ReactNode;
}

/** A question to the labels that trainings answer: what they cost, how far they are, and the last answer. */
export function InquiryCard({ slug, kind, children }: InquiryCardProps) {
  const { t } = useTranslation("learning");
  const inquiry = useInquiry(slug, kind);
  const ask = useAskInquiry(slug, kind);
  const stop = useStopInquiry(slug, kind);
  const [stopping, setStopping] = useState(false);
  const told = inquiry.data;
  const answering = told !== undefined && isAnswering(told);
  return (
    <Card
      title={t(`inquiry.${kind}.title`)}
      actions={
        answering ? (
          <Button dense icon={<IconSquare size={14} stroke={1.6} />} onClick={() => setStopping(true)}>
            {t("inquiry.stop")}
          </Button>
        ) : (
          <Button
            dense
            icon={<IconFlask size={16} stroke={1.6} />}
            disabled={!told || told.refusal !== null}
            busy={ask.isPending}
            onClick={() => ask.mutate()}
          >
            {t(`inquiry.${kind}.ask`)}
          </Button>
        )
      }
    >
      {inquiry.isError ? (
        <ErrorState error={inquiry.error} retry={() => void inquiry.refetch()} />
      ) : !told ? (
        <LoadingRows rows={3} />
      ) : (
        <div className="stack" style={{ gap: 10 }}>
          <p className="sm sec">{t(`inquiry.${kind}.what`)}</p>
          {told.answer ? children(told.answer) : null}
          {answering ? <Progress inquiry={told} /> : <Ready inquiry={told} />}
          {ask.isError && told.refusal === null ? <ErrorLine error={ask.error} /> : null}
        </div>
      )}
      <ConfirmDialog
        opened={stopping && answering}
        title={t("inquiry.stopTitle")}
        action={t("inquiry.stop")}
        danger
        busy={stop.isPending}
        error={stop.error}
        onClose={() => setStopping(false)}
        onConfirm={() => stop.mutate(undefined, { onSuccess: () => setStopping(false) })}
      >
        {t("inquiry.stopNote")}
      </ConfirmDialog>
    </Card>
  );
}

/** What became of the last attempt, and what another would cost, or why there can be none. */
function Ready({ inquiry }: { inquiry: Inquiry }) {
  const { t } = useTranslation("learning");
  const { refusal, trainings, steps, expected_seconds: seconds } = inquiry;
  const values = { trainings: count(trainings), steps: count(steps) };
  return (
    <>
      {inquiry.state === "failed" ? (
        <p className="alert bad sm">{t("inquiry.failed", { error: serverWords(inquiry.error, t) })}</p>
      ) : null}
      {inquiry.state === "cancelled" ? <p className="sm q">{t("inquiry.cancelled")}</p> : null}
      <p className="sm q num">
        {refusal && refusal.code !== "inquiry_running"
          ? t(`inquiry.refused.${refusal.code}`, refusal.counts)
          : seconds === null
            ? t("inquiry.costUnknown", values)
            : t("inquiry.cost", { ...values, time: duration(seconds) })}
      </p>
    </>
  );
}

function Progress({ inquiry }: { inquiry: Inquiry }) {
  const { t } = useTranslation("learning");
  const { done = 0, total = inquiry.trainings, training, seconds_left: left } = inquiry.progress;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const parts = [
    t("inquiry.training", { n: count(training ?? 1), total: count(total) }),
    left === undefined ? "" : t("inquiry.left", { time: duration(left) }),
  ].filter(Boolean);
  return (
    <div>
      <div style={{ height: 3, borderRadius: 2, background: "var(--n5)", overflow: "hidden" }}>
        <div style={{ height: 3, width: `${share * 100}%`, background: "var(--accent)" }} />
      </div>
      <p className="sm num" style={{ marginTop: 8 }}>
        {inquiry.state === "queued" ? t("inquiry.queued") : parts.join(t("join"))}
      </p>
    </div>
  );
}
