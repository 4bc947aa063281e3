import { Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePromote } from "@/features/models/api/models";
import { gateSentences } from "@/features/models/state/gate-words";
import type { ModelRow, ModelVersion } from "@/lib/api-types";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface PromoteDialogProps {
  slug: string;
  version: ModelVersion;
  serving: ModelRow | undefined;
  onClose: () => void;
}

/** A person lets another version serve, and says why: a newer one, or an older one again. */
export function PromoteDialog({ slug, version, serving, onClose }: PromoteDialogProps) {
  const { t } = useTranslation("models");
  const promote = usePromote(slug, version.number);
  const [reason, setReason] = useState("");
  const isBack = serving !== undefined && serving.number > version.number;
  return (
    <ConfirmDialog
      opened
      title={t(isBack ? "promote.backTitle" : "promote.title", { n: version.number })}
      action={t(isBack ? "promote.back" : "promote.button", { n: version.number })}
      busy={promote.isPending}
      disabled={!reason.trim()}
      error={promote.error}
      onClose={onClose}
      onConfirm={() => promote.mutate(reason.trim(), { onSuccess: onClose })}
    >
      <p>
        {serving
          ? t("promote.instead", { n: version.number, old: serving.number })
          : t("promote.first", { n: version.number })}{" "}
        {isBack ? t("promote.keep", { n: version.number }) : null}
      </p>
      {version.gate.decision === "waits" ? (
        <p className="alert warn" style={{ marginTop: 12 }}>
          {gateSentences(version.gate, t).join(" ")}
        </p>
      ) : null}
      <Textarea
        style={{ marginTop: 16 }}
        data-autofocus
        label={t("promote.reason")}
        description={t("promote.reasonNote")}
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}
