import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSend, useSendable } from "@/features/pacs/api/pacs";
import { Tick } from "@/features/pacs/components/study-table";
import type { RemoteNode } from "@/lib/api-types";
import { DASH, dayTime } from "@/lib/format";
import { Button } from "@/ui/button";
import { Chip } from "@/ui/chip";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

interface SendPaneProps {
  slug: string;
  node: RemoteNode;
  deidentifies: boolean;
  /** Changes when a transfer has ended. */
  revision: number;
}

/** Submitted readings whose SEG and SR can go to the node; those that it has not are picked beforehand. */
export function SendPane({ slug, node, deidentifies, revision }: SendPaneProps) {
  const { t } = useTranslation("pacs");
  const readings = useSendable(slug, revision);
  const send = useSend(slug);
  const [touched, touch] = useState<ReadonlyMap<string, boolean>>(new Map());
  if (readings.isError) return <ErrorState error={readings.error} retry={() => void readings.refetch()} />;
  if (!readings.data) return <LoadingRows rows={8} height={36} />;
  if (readings.data.length === 0) return <p className="pacs-quiet">{t("send.none")}</p>;
  const isPicked = (one: { id: string; sent_to: string[] }) =>
    touched.get(one.id) ?? !one.sent_to.includes(node.name);
  const chosen = readings.data.filter(isPicked);
  const picked = chosen.map((one) => one.id);
  const nArrows = chosen.reduce((sum, one) => sum + one.arrows, 0);
  return (
    <>
      {deidentifies ? (
        <div className="alert warn" style={{ margin: "0 16px 12px" }}>
          <IconAlertTriangle size={16} stroke={1.6} style={{ flex: "none" }} />
          {t("send.deidentified")}
        </div>
      ) : null}
      {nArrows ? (
        <div className="alert warn" style={{ margin: "0 16px 12px" }}>
          <IconAlertTriangle size={16} stroke={1.6} style={{ flex: "none" }} />
          {t("send.arrows", { count: nArrows })}
        </div>
      ) : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too */}
      <section className="scroll" style={{ flex: 1 }} tabIndex={0} aria-label={t("send.title")}>
        <table>
          <thead>
            <tr>
              <th aria-label={t("pick")} style={{ width: 40 }} />
              <th>{t("send.case")}</th>
              <th>{t("send.reader")}</th>
              <th>{t("send.submitted")}</th>
              <th>{t("send.sentTo")}</th>
            </tr>
          </thead>
          <tbody>
            {readings.data.map((one) => (
              <tr key={one.id}>
                <td>
                  <Tick
                    label={t("send.pick", { name: one.case, reader: one.reader })}
                    on={isPicked(one)}
                    onChange={() => touch(new Map(touched).set(one.id, !isPicked(one)))}
                  />
                </td>
                <td className="b">{one.case}</td>
                <td className="sec">{one.reader}</td>
                <td className="sec num">{one.submitted_at ? dayTime(one.submitted_at) : DASH}</td>
                <td>
                  {one.sent_to.map((name) => (
                    <Chip key={name} tone="ok" icon={<IconCheck />}>
                      {name}
                    </Chip>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <footer className="row wl-bulk">
        <span className="sm sec num">{t("send.picked", { count: picked.length })}</span>
        <span className="grow" />
        <ErrorLine error={send.error} />
        <Button
          variant="primary"
          disabled={!picked.length}
          busy={send.isPending}
          onClick={() => send.mutate({ node: node.id, readings: picked }, { onSuccess: () => touch(new Map()) })}
        >
          {t("send.action", { name: node.name })}
        </Button>
      </footer>
    </>
  );
}
