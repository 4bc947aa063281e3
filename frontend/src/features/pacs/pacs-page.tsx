import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePacs, useTransfers } from "@/features/pacs/api/pacs";
import { NodesCard } from "@/features/pacs/components/nodes-card";
import { ReceivingCard } from "@/features/pacs/components/receiving-card";
import { SearchPane } from "@/features/pacs/components/search-pane";
import { SendPane } from "@/features/pacs/components/send-pane";
import { TransfersCard } from "@/features/pacs/components/transfers-card";
import { useSlug } from "@/lib/project";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { Segmented } from "@/ui/segmented";
import "@/features/pacs/pacs.css";

/** The hospital's archives: search and pull, send results back, receive. */
export default function PacsPage() {
  const { t } = useTranslation("pacs");
  const slug = useSlug();
  const client = useQueryClient();
  const pacs = usePacs(slug);
  const transfers = useTransfers(slug);
  const [wanted, choose] = useState<string>();
  const [pane, setPane] = useState<"search" | "send">("search");
  const ended = transfers.data?.filter((one) => one.state !== "queued" && one.state !== "running").length ?? 0;
  useEffect(() => {
    if (!ended) return;
    for (const key of ["worklist", "project", "imports"]) void client.invalidateQueries({ queryKey: [key, slug] });
  }, [ended, client, slug]);

  const askable = pacs.data?.nodes.filter((node) => node.kind === "dicomweb" || node.port !== null) ?? [];
  const node = askable.find((one) => one.id === wanted) ?? askable[0];
  return (
    <>
      <PageHead title={t("title")} note={t("note")} />
      {pacs.isError ? (
        <Card>
          <ErrorState error={pacs.error} retry={() => void pacs.refetch()} />
        </Card>
      ) : !pacs.data ? (
        <Card bare>
          <LoadingRows rows={10} height={42} />
        </Card>
      ) : (
        <div style={{ display: "flex", gap: 16, flex: 1, minHeight: 0 }}>
          <div className="stack" style={{ width: 340, flex: "none", overflow: "auto" }}>
            <NodesCard slug={slug} nodes={pacs.data.nodes} chosen={node?.id} onChoose={choose} />
            <ReceivingCard key={pacs.data.receiving.ae_title} slug={slug} receiving={pacs.data.receiving} />
          </div>
          <div className="stack grow">
            <Card bare style={{ flex: 1 }}>
              {node ? (
                <>
                  <header className="ch pacs-head">
                    <Segmented
                      label={t("pane.label")}
                      value={pane}
                      options={[
                        { value: "search", label: t("pane.search") },
                        { value: "send", label: t("pane.send") },
                      ]}
                      onChange={setPane}
                    />
                    <span className="sm q ell">{t("pane.node", { name: node.name })}</span>
                  </header>
                  {pane === "search" ? (
                    <SearchPane key={node.id} slug={slug} node={node} />
                  ) : (
                    <SendPane
                      key={node.id}
                      slug={slug}
                      node={node}
                      deidentifies={pacs.data.deid_profile !== "none"}
                      revision={ended}
                    />
                  )}
                </>
              ) : (
                <EmptyState title={t("empty.title")}>{t("empty.note")}</EmptyState>
              )}
            </Card>
            {transfers.isError ? (
              <Card style={{ flex: "none" }}>
                <ErrorState error={transfers.error} retry={() => void transfers.refetch()} />
              </Card>
            ) : transfers.data?.length ? (
              <TransfersCard slug={slug} transfers={transfers.data} />
            ) : null}
          </div>
        </div>
      )}
    </>
  );
}
