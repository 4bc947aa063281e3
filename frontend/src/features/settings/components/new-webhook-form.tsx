import { MultiSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCreateWebhook } from "@/features/settings/api/webhooks";
import { ApiError } from "@/lib/api-client";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine } from "@/ui/error-state";
import { ShownOnce } from "@/ui/shown-once";

export const EVENTS = [
  "reading.submitted",
  "reading.reviewed",
  "round.finished",
  "model.promoted",
  "import.finished",
  "export.finished",
] as const;

export function NewWebhookForm({ slug }: { slug: string }) {
  const { t } = useTranslation("settings");
  const create = useCreateWebhook(slug);
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<string[]>([]);
  const wrong = create.error instanceof ApiError ? create.error.fields.url : undefined;
  return (
    <Card title={t("webhooks.new")} note={t("webhooks.note")} style={{ flex: "none" }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ url: url.trim(), events }, { onSuccess: () => setUrl("") });
        }}
      >
        <div className="row t" style={{ gap: 12 }}>
          <TextInput
            label={t("webhooks.url")}
            placeholder="https://"
            value={url}
            error={wrong ? <span role="alert">{serverWords(wrong, t)}</span> : undefined}
            maxLength={500}
            required
            style={{ flex: 1 }}
            onChange={(event) => setUrl(event.currentTarget.value)}
          />
          <MultiSelect
            label={t("webhooks.events")}
            placeholder={events.length ? undefined : t("webhooks.choose")}
            data={EVENTS.map((value) => ({ value, label: t(`webhooks.event.${value}`) }))}
            value={events}
            onChange={setEvents}
            clearable
            style={{ flex: 1 }}
          />
          <Button
            type="submit"
            variant="primary"
            disabled={!url.trim() || !events.length}
            busy={create.isPending}
            style={{ marginTop: 23.5 }}
          >
            {t("webhooks.create")}
          </Button>
        </div>
        <ErrorLine error={wrong ? null : create.error} />
        {create.data ? <ShownOnce secret={create.data.secret} note={t("webhooks.once")} /> : null}
      </form>
    </Card>
  );
}
