import { useTranslation } from "react-i18next";
import { useExportFormats, useExports } from "@/features/exports/api/exports";
import { OrderCard } from "@/features/exports/components/order-card";
import { RunRow } from "@/features/exports/components/run-row";
import { count } from "@/lib/format";
import { useProject, useSlug } from "@/lib/project";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

/** What leaves the project: an export to order at the left, those that were made at the right. */
export default function ExportPage() {
  const { t } = useTranslation("exports");
  const slug = useSlug();
  const project = useProject(slug);
  const formats = useExportFormats(slug);
  const runs = useExports(slug);
  const byName = new Map(formats.data?.map((one) => [one.name, one]));
  return (
    <>
      <PageHead title={t("title")} note={t("note")} />
      <div style={{ display: "flex", gap: 16, flex: 1, minHeight: 0 }}>
        <div className="stack" style={{ width: 372, flex: "none", overflow: "auto" }}>
          {project.isError ? (
            <ErrorState error={project.error} retry={() => void project.refetch()} />
          ) : project.data ? (
            <OrderCard project={project.data} />
          ) : (
            <Card bare>
              <LoadingRows rows={8} height={48} />
            </Card>
          )}
        </div>
        <Card
          bare
          className="grow"
          title={runs.data?.length ? t("runs") : undefined}
          note={runs.data?.length ? count(runs.data.length) : undefined}
        >
          {runs.isError ? (
            <ErrorState error={runs.error} retry={() => void runs.refetch()} />
          ) : runs.data?.length ? (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is reached by keyboard
            <ul style={{ overflow: "auto", minHeight: 0 }} tabIndex={0} aria-label={t("runs")}>
              {runs.data.map((run) => (
                <RunRow key={run.id} slug={slug} run={run} format={byName.get(run.format)} />
              ))}
            </ul>
          ) : runs.data ? (
            <EmptyState title={t("noRuns")}>{t("noRunsNote")}</EmptyState>
          ) : (
            <LoadingRows rows={6} height={64} />
          )}
        </Card>
      </div>
    </>
  );
}
