import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useDropWaiting, useWaiting } from "@/features/imports/api/waiting";
import type { WaitingReadings } from "@/lib/api-types";
import { count } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { IconButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorState } from "@/ui/error-state";

type Waiting = WaitingReadings["results"][number];

/** Readings of other programs whose images are not here yet; nothing is shown while none waits. */
export function WaitingCard({ slug }: { slug: string }) {
  const { t } = useTranslation("imports");
  const waiting = useWaiting(slug);
  const drop = useDropWaiting(slug);
  const [asked, ask] = useState<Waiting>();
  if (waiting.isError) {
    return (
      <Card title={t("waitingFor.title")} style={{ flex: "none" }}>
        <ErrorState error={waiting.error} retry={() => void waiting.refetch()} />
      </Card>
    );
  }
  const data = waiting.data;
  if (!data?.total) return null;
  return (
    <Card
      title={t("waitingFor.title")}
      actions={
        <span className="q sm num">{t("waitingFor.total", { count: data.total, shown: count(data.total) })}</span>
      }
      style={{ flex: "none" }}
    >
      <p className="q sm">{t("waitingFor.note")}</p>
      <ul style={{ marginTop: 8, maxHeight: 260, overflow: "auto" }}>
        {data.results.map((one) => (
          <li key={one.id} className="row" style={{ padding: "6px 0", borderTop: "1px solid var(--n5)" }}>
            <div className="col grow" style={{ minWidth: 0 }}>
              <span className="ell" title={one.source}>
                {one.source}
              </span>
              <span className="q sm ell">
                {[
                  one.reader,
                  t("waitingFor.lesions", { count: one.lesions, shown: count(one.lesions) }),
                  one.names.length
                    ? t("waitingFor.speaksOf", { names: one.names.join(", ") })
                    : t("waitingFor.byUid"),
                ].join(" · ")}
              </span>
              {one.reason ? <span className="q sm">{serverWords(one.reason, t)}</span> : null}
            </div>
            <IconButton label={`${t("waitingFor.drop")}: ${one.source}`} onClick={() => ask(one)}>
              <IconX size={16} stroke={1.6} />
            </IconButton>
          </li>
        ))}
        {data.total > data.results.length ? (
          <li className="q sm" style={{ padding: "6px 0" }}>
            {t("waitingFor.more", { shown: count(data.total - data.results.length) })}
          </li>
        ) : null}
      </ul>
      <ConfirmDialog
        opened={asked !== undefined}
        title={t("waitingFor.dropTitle")}
        action={t("waitingFor.dropAction")}
        danger
        busy={drop.isPending}
        error={drop.error}
        onConfirm={() => asked && drop.mutate(asked.id, { onSuccess: () => ask(undefined) })}
        onClose={() => ask(undefined)}
      >
        {t("waitingFor.dropBody", { source: asked?.source, reader: asked?.reader })}
      </ConfirmDialog>
    </Card>
  );
}
