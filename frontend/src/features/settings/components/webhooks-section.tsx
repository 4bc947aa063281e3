import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useDeleteWebhook, useTestWebhook, useUpdateWebhook, useWebhooks } from "@/features/settings/api/webhooks";
import { NewWebhookForm } from "@/features/settings/components/new-webhook-form";
import { WebhookLog } from "@/features/settings/components/webhook-log";
import type { SectionProps } from "@/features/settings/settings-page";
import type { Webhook } from "@/lib/api-types";
import { dayTime } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip, type ChipTone } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

/** Addresses that are told of what happens: make, try out, switch off, and the log of the one chosen. */
export function WebhooksSection({ project }: SectionProps) {
  const { t } = useTranslation("settings");
  const { slug } = project;
  const webhooks = useWebhooks(slug);
  const forget = useDeleteWebhook(slug);
  const [chosen, choose] = useState<string>();
  const [leaving, setLeaving] = useState<Webhook | null>(null);
  const shown = webhooks.data?.find((one) => one.id === chosen) ?? webhooks.data?.[0];
  return (
    <div className="grow stack" style={{ overflow: "auto" }}>
      <NewWebhookForm slug={slug} />
      <Card bare style={{ flex: "none" }}>
        {webhooks.isError ? (
          <ErrorState error={webhooks.error} retry={() => void webhooks.refetch()} />
        ) : webhooks.isPending ? (
          <LoadingRows rows={2} height={56} />
        ) : webhooks.data.length === 0 ? (
          <p className="q" style={{ padding: 16 }}>
            {t("webhooks.none")}
          </p>
        ) : (
          webhooks.data.map((webhook, index) => (
            <WebhookRow
              key={webhook.id}
              isFirst={index === 0}
              slug={slug}
              webhook={webhook}
              on={webhook.id === shown?.id}
              onChoose={() => choose(webhook.id)}
              onDelete={() => setLeaving(webhook)}
            />
          ))
        )}
      </Card>
      {shown ? <WebhookLog key={shown.id} slug={slug} id={shown.id} /> : null}
      <ConfirmDialog
        opened={leaving !== null}
        title={t("webhooks.deleteTitle")}
        action={t("webhooks.delete")}
        danger
        busy={forget.isPending}
        error={forget.error}
        onClose={() => setLeaving(null)}
        onConfirm={() => leaving && forget.mutate(leaving.id, { onSuccess: () => setLeaving(null) })}
      >
        <span style={{ overflowWrap: "anywhere" }}>{leaving?.url}</span> {t("webhooks.deleteNote")}
      </ConfirmDialog>
    </div>
  );
}

const TONE: Record<"on" | "off" | "failing", [ChipTone, ReactNode]> = {
  on: ["ok", <IconCheck key="on" />],
  off: ["neutral", null],
  failing: ["warn", <IconAlertTriangle key="failing" />],
};

interface RowProps {
  slug: string;
  webhook: Webhook;
  isFirst: boolean;
  on: boolean;
  onChoose: () => void;
  onDelete: () => void;
}

function WebhookRow({ slug, webhook, isFirst, on, onChoose, onDelete }: RowProps) {
  const { t } = useTranslation("settings");
  const test = useTestWebhook(slug);
  const update = useUpdateWebhook(slug);
  const state = !webhook.is_enabled ? "off" : webhook.failing_since ? "failing" : "on";
  return (
    <div
      className="col"
      style={{ padding: "12px 16px", gap: 6, borderTop: isFirst ? undefined : "1px solid var(--n5)" }}
    >
      <div className="row" style={{ gap: 12 }}>
        <button
          type="button"
          className={`sidelink grow ell${on ? " on" : ""}`}
          aria-pressed={on}
          style={{ minWidth: 0 }}
          title={webhook.url}
          onClick={onChoose}
        >
          {webhook.url}
        </button>
        <Chip tone={TONE[state][0]} icon={TONE[state][1]}>
          {t(`webhooks.is.${state}`)}
        </Chip>
        <Button
          dense
          busy={test.isPending}
          onClick={() => {
            onChoose();
            test.mutate(webhook.id);
          }}
        >
          {t("webhooks.test")}
        </Button>
        <Button
          dense
          busy={update.isPending}
          onClick={() => update.mutate({ id: webhook.id, change: { is_enabled: !webhook.is_enabled } })}
        >
          {t(webhook.is_enabled ? "webhooks.switchOff" : "webhooks.switchOn")}
        </Button>
        <Button dense variant="danger" onClick={onDelete}>
          {t("webhooks.delete")}
        </Button>
      </div>
      <p className="sm q" style={{ paddingLeft: 12 }}>
        {webhook.events.map((event) => t(`webhooks.event.${event}`)).join(" · ")}
        {webhook.disabled_reason ? ` — ${serverWords(webhook.disabled_reason, t)}` : ""}
        {webhook.is_enabled && webhook.failing_since
          ? ` — ${t("webhooks.since", { at: dayTime(webhook.failing_since) })}`
          : ""}
      </p>
      <ErrorLine error={test.error ?? update.error} />
    </div>
  );
}
