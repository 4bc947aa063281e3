import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { filesToUpload, useHeldCount, useImportRun, useImportRuns } from "@/features/imports/api/imports";
import { DropZone } from "@/features/imports/components/drop-zone";
import { RunPanel } from "@/features/imports/components/run-panel";
import { SplitsCard } from "@/features/imports/components/splits-card";
import { StagedCard } from "@/features/imports/components/staged-card";
import { UploadPanel } from "@/features/imports/components/upload-panel";
import { WaitingCard } from "@/features/imports/components/waiting-card";
import { WatchedCard } from "@/features/imports/components/watched-card";
import { useUpload } from "@/features/imports/state/upload-store";
import type { ImportRun } from "@/lib/api-types";
import { type NamedFile, takeFiles } from "@/lib/dropped-files";
import { useProject, useSlug } from "@/lib/project";
import { LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

export default function ImportPage() {
  const { t } = useTranslation("imports");
  const slug = useSlug();
  const project = useProject(slug);
  const client = useQueryClient();
  const runs = useImportRuns(slug);
  const held = useHeldCount(slug);
  const upload = useUpload();
  const [staged, setStaged] = useState<NamedFile[]>([]);
  const [chosen, choose] = useState<string>();
  useEffect(() => setStaged(takeFiles()), []);

  const uploading = upload.slug === slug && upload.phase !== "idle";
  const shownId = chosen ?? runs.data?.[0]?.id;
  const run = useImportRun(slug, uploading ? undefined : shownId);
  // What is looked at stays, also when another system begins to send; one's own upload is looked at when it is there.
  const newest = runs.data?.[0]?.id;
  useEffect(() => {
    if (!chosen && newest) choose(newest);
  }, [chosen, newest]);
  const own = upload.slug === slug ? upload.run : null;
  useEffect(() => {
    if (own) choose(own);
  }, [own]);
  const state = run.data?.state;
  useEffect(() => {
    if (state !== "done") return;
    for (const key of ["worklist", "project", "splits", "waiting", "quarantine"])
      void client.invalidateQueries({ queryKey: [key, slug] });
    void client.invalidateQueries({ queryKey: ["projects"] });
  }, [state, client, slug]);

  const take = async (files: NamedFile[]) => {
    const broken = unfinished(runs.data);
    if (broken && (await holdsAllOf(slug, broken.id, files))) {
      choose(undefined);
      void upload.resume(slug, broken.id, files);
    } else setStaged(files);
  };

  return (
    <>
      <PageHead title={t("title")} note={t("note")}>
        <LinkButton to={`/p/${slug}/quarantine`}>
          {held.data ? t("quarantineHeld", { count: held.data }) : t("quarantine")}
        </LinkButton>
      </PageHead>
      <div style={{ display: "flex", gap: 16, flex: 1, minHeight: 0 }}>
        <div className="stack" style={{ width: 372, flex: "none", overflow: "auto" }}>
          {staged.length && project.data ? (
            <StagedCard
              files={staged}
              project={project.data}
              onCancel={() => setStaged([])}
              onImport={(options) => {
                setStaged([]);
                choose(undefined);
                void upload.begin(slug, staged, options);
              }}
            />
          ) : (
            <DropZone onFiles={(files) => void take(files)} disabled={uploading} />
          )}
          <WaitingCard slug={slug} />
          <SplitsCard slug={slug} />
          <WatchedCard slug={slug} />
        </div>
        <Card bare className="grow">
          {uploading ? (
            <UploadPanel />
          ) : runs.isError ? (
            <ErrorState error={runs.error} retry={() => void runs.refetch()} />
          ) : run.isError ? (
            <ErrorState error={run.error} retry={() => void run.refetch()} />
          ) : run.data ? (
            <RunPanel slug={slug} run={run.data} runs={runs.data ?? []} onChoose={choose} />
          ) : runs.data?.length === 0 ? (
            <EmptyState title={t("noRuns")}>{t("noRunsNote")}</EmptyState>
          ) : (
            <LoadingRows rows={10} height={42} />
          )}
        </Card>
      </div>
    </>
  );
}

/** Whether `files` are those that the run still waits for, by name and size. */
async function holdsAllOf(slug: string, run: string, files: NamedFile[]): Promise<boolean> {
  const sizes = new Map(files.map(({ name, file }) => [name, file.size]));
  const missing = await filesToUpload(slug, run);
  return missing.length > 0 && missing.every((item) => sizes.get(item.name) === item.size);
}

/** The newest run, when its upload was broken off (the page was closed). */
function unfinished(runs: ImportRun[] | undefined): ImportRun | undefined {
  const newest = runs?.[0];
  return newest?.state === "uploading" ? newest : undefined;
}
