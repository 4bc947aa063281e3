import { IconLock, IconLockOpen } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useEvaluateHoldout, useRelease } from "@/features/models/api/models";
import type { Evaluation, ModelVersion } from "@/lib/api-types";
import { count, dayTime } from "@/lib/format";
import { useJob } from "@/lib/use-job";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine } from "@/ui/error-state";

interface HoldoutPanelProps {
  slug: string;
  version: ModelVersion;
  evaluation: Evaluation | undefined;
}

/** HOLDOUT is locked until a lead stands for a version, and every look at it is counted. */
export function HoldoutPanel({ slug, version, evaluation }: HoldoutPanelProps) {
  const { t } = useTranslation("models");
  const release = useRelease(slug, version.number);
  const evaluate = useEvaluateHoldout(slug, version.number);
  const job = useJob(slug, evaluate.data?.job, ["models", slug, version.number]);
  const [asking, ask] = useState<"release" | "look" | null>(null);
  const released = version.released_at !== null;
  const running = job.data !== undefined && (job.data.state === "queued" || job.data.state === "running");
  const Glyph = released ? IconLockOpen : IconLock;
  return (
    <Card style={{ flex: "none" }}>
      <div className="row" style={{ paddingTop: 16, gap: 16 }}>
        <Glyph size={18} stroke={1.6} color="var(--n9)" style={{ flex: "none" }} />
        <div className="grow">
          <p>
            {evaluation
              ? t("holdout.measured", {
                  time: dayTime(evaluation.created_at),
                  patients: count(evaluation.n_patients),
                })
              : released
                ? t("holdout.released", { n: version.number })
                : t("holdout.locked", { n: version.number })}
          </p>
          <p className="sm q">
            {t("holdout.wears", { count: version.holdout_looks, shown: count(version.holdout_looks) })}
          </p>
          <ErrorLine error={job.error} />
          {job.data?.error ? (
            <p className="sm" style={{ color: "var(--bad)" }}>
              {job.data.error}
            </p>
          ) : null}
        </div>
        {released ? (
          <Button variant={evaluation ? "default" : "primary"} busy={running} onClick={() => ask("look")}>
            {running ? t("holdout.running") : t(evaluation ? "holdout.again" : "holdout.look")}
          </Button>
        ) : (
          <Button variant="primary" onClick={() => ask("release")}>
            {t("holdout.release", { n: version.number })}
          </Button>
        )}
      </div>
      <ConfirmDialog
        opened={asking === "release"}
        title={t("holdout.releaseTitle", { n: version.number })}
        action={t("holdout.release", { n: version.number })}
        busy={release.isPending}
        error={release.error}
        onClose={() => ask(null)}
        onConfirm={() => release.mutate(undefined, { onSuccess: () => ask(null) })}
      >
        {t("holdout.releaseNote")}
      </ConfirmDialog>
      <ConfirmDialog
        opened={asking === "look"}
        title={t("holdout.lookTitle", { n: count(version.holdout_looks + 1) })}
        action={t("holdout.look")}
        busy={evaluate.isPending}
        error={evaluate.error}
        onClose={() => ask(null)}
        onConfirm={() => evaluate.mutate(undefined, { onSuccess: () => ask(null) })}
      >
        {t("holdout.lookNote")}
      </ConfirmDialog>
    </Card>
  );
}
