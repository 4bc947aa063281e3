import { TextInput } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSetReceivingTitle } from "@/features/pacs/api/pacs";
import { ApiError } from "@/lib/api-client";
import type { Pacs } from "@/lib/api-types";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ErrorLine } from "@/ui/error-state";

function portsOf({ port, tls_port }: Pacs["receiving"], t: TFunction<"pacs">): string {
  const plain = port === null ? [] : [t("receiving.port", { port })];
  const encrypted = tls_port === null ? [] : [t("receiving.tlsPort", { port: tls_port })];
  return [...plain, ...encrypted].join(t("receiving.and"));
}

/** The AE title by which senders reach this project, and whether anything listens. */
export function ReceivingCard({ slug, receiving }: { slug: string; receiving: Pacs["receiving"] }) {
  const { t } = useTranslation("pacs");
  const save = useSetReceivingTitle(slug);
  const [title, setTitle] = useState(receiving.ae_title);
  const refusal = save.error instanceof ApiError ? save.error.fields.detail : undefined;
  return (
    <Card
      title={t("receiving.title")}
      style={{ flex: "none" }}
      actions={
        receiving.is_enabled ? (
          <Chip tone="ok" icon={<IconCheck />}>
            {t("receiving.on")}
          </Chip>
        ) : (
          <Chip tone="warn" icon={<IconAlertTriangle />}>
            {t("receiving.off")}
          </Chip>
        )
      }
    >
      <form
        className="col"
        style={{ gap: 10 }}
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(title);
        }}
      >
        <p className="sm sec">
          {receiving.is_enabled
            ? t("receiving.note", { host: receiving.host, ports: portsOf(receiving, t) })
            : t("receiving.offNote")}
        </p>
        <div className="row" style={{ alignItems: "flex-end" }}>
          <TextInput
            label={t("receiving.aeTitle")}
            maxLength={16}
            value={title}
            style={{ flex: 1 }}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <Button type="submit" busy={save.isPending} disabled={title.trim() === receiving.ae_title}>
            {t("node.save")}
          </Button>
        </div>
        <ErrorLine error={refusal ? new Error(serverWords(refusal, t)) : save.error} />
      </form>
    </Card>
  );
}
