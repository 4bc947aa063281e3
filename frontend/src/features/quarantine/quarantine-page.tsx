import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuarantine } from "@/features/quarantine/api/quarantine";
import { HeldList } from "@/features/quarantine/components/held-list";
import { LookCard } from "@/features/quarantine/components/look-card";
import { RefusedTable } from "@/features/quarantine/components/refused-table";
import { RulesTable } from "@/features/quarantine/components/rules-table";
import { count } from "@/lib/format";
import { useSlug } from "@/lib/project";
import { LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { Segmented } from "@/ui/segmented";

type Part = "held" | "refused" | "rules";

/** What was kept aside at the door: images that wait for a lead's look, and files that could not be read. */
export default function QuarantinePage() {
  const { t } = useTranslation("quarantine");
  const slug = useSlug();
  const found = useQuarantine(slug);
  const [part, setPart] = useState<Part>("held");
  const [chosen, choose] = useState<string>();
  const files = found.data?.results ?? [];
  const held = files.filter((one) => one.kind === "held" && one.state === "waiting");
  const refused = files.filter((one) => one.kind === "refused");
  const looked = held.find((one) => one.id === chosen) ?? held[0];
  const counts = found.data?.counts;

  return (
    <>
      <PageHead title={t("title")} note={t("note")}>
        <Segmented<Part>
          label={t("title")}
          value={part}
          onChange={setPart}
          options={[
            { value: "held", label: `${t("held")} ${counts ? count(counts.held) : ""}` },
            { value: "refused", label: `${t("refused")} ${counts ? count(counts.refused) : ""}` },
            { value: "rules", label: t("rules") },
          ]}
        />
        <LinkButton to={`/p/${slug}/import`}>{t("toImport")}</LinkButton>
      </PageHead>
      {found.isError ? (
        <Card>
          <ErrorState error={found.error} retry={() => void found.refetch()} />
        </Card>
      ) : !found.data ? (
        <Card bare>
          <LoadingRows rows={8} height={52} />
        </Card>
      ) : part === "rules" ? (
        <Card bare>
          <RulesTable slug={slug} />
        </Card>
      ) : part === "refused" ? (
        <Card bare>
          <RefusedTable slug={slug} files={refused} />
        </Card>
      ) : looked ? (
        <div style={{ display: "flex", gap: 16, flex: 1, minHeight: 0 }}>
          <HeldList files={held} chosen={looked.id} decided={counts?.decided ?? 0} onChoose={choose} />
          <LookCard key={looked.id} slug={slug} file={looked} />
        </div>
      ) : (
        <Card bare>
          <EmptyState title={t("none")}>
            {counts?.decided ? t("decided", { count: counts.decided }) : t("noneNote")}
          </EmptyState>
        </Card>
      )}
    </>
  );
}
