import { IconAlertTriangle, IconCheck, IconClock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useDeliveries, useRedeliver } from "@/features/settings/api/webhooks";
import type { Delivery } from "@/lib/api-types";
import { dayTime } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

const LOOK = {
  delivered: ["ok", IconCheck],
  pending: ["neutral", IconClock],
  failed: ["bad", IconAlertTriangle],
} as const;

/** What was sent to a webhook and what it answered, the newest first. */
export function WebhookLog({ slug, id }: { slug: string; id: string }) {
  const { t } = useTranslation("settings");
  const deliveries = useDeliveries(slug, id);
  const again = useRedeliver(slug);
  return (
    <Card title={t("webhooks.log")} note={t("webhooks.logNote")} bare style={{ flex: "none" }}>
      {deliveries.isError ? (
        <ErrorState error={deliveries.error} retry={() => void deliveries.refetch()} />
      ) : deliveries.isPending ? (
        <LoadingRows rows={3} height={38} />
      ) : deliveries.data.length === 0 ? (
        <p className="q" style={{ padding: 16 }}>
          {t("webhooks.nothing")}
        </p>
      ) : (
        <table style={{ "--rh": "38px" } as React.CSSProperties}>
          <thead>
            <tr>
              <th>{t("webhooks.when")}</th>
              <th>{t("webhooks.what")}</th>
              <th>{t("webhooks.state")}</th>
              <th className="r">{t("webhooks.attempts")}</th>
              <th>{t("webhooks.answer")}</th>
              <th aria-label={t("webhooks.redeliver")} />
            </tr>
          </thead>
          <tbody>
            {deliveries.data.map((one) => (
              <tr key={one.id}>
                <td className="sec num nw">{dayTime(one.created_at)}</td>
                <td>{t(`webhooks.event.${one.event}`)}</td>
                <td>
                  <StateChip delivery={one} />
                </td>
                <td className="r num sec">{one.attempts}</td>
                <td className="sec sm ell" style={{ maxWidth: 320 }} title={one.answer}>
                  {one.status ?? ""} {one.status === null ? serverWords(one.answer, t) : one.answer}
                </td>
                <td className="r">
                  <Button
                    dense
                    disabled={one.state === "pending"}
                    busy={again.isPending && again.variables?.delivery === one.id}
                    onClick={() => again.mutate({ id, delivery: one.id })}
                  >
                    {t("webhooks.redeliver")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {again.error ? (
        <div style={{ padding: "0 16px 12px" }}>
          <ErrorLine error={again.error} />
        </div>
      ) : null}
    </Card>
  );
}

function StateChip({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation("settings");
  const [tone, Icon] = LOOK[delivery.state];
  const next = delivery.next_attempt_at && delivery.attempts ? dayTime(delivery.next_attempt_at) : null;
  return (
    <Chip tone={tone} icon={<Icon size={12} stroke={1.8} />}>
      {delivery.state === "pending" && next
        ? t("webhooks.next", { at: next })
        : t(`webhooks.delivery.${delivery.state}`)}
    </Chip>
  );
}
