import { useTranslation } from "react-i18next";
import { CaseList } from "@/features/worklist/components/case-list";
import { NameReportStrip } from "@/features/worklist/components/name-report-strip";
import { ReadersAside } from "@/features/worklist/components/readers-aside";
import type { WorklistFallback } from "@/features/worklist/worklist-view";
import { useMe } from "@/lib/me";
import { useProject, useSlug } from "@/lib/project";
import { PageHead } from "@/ui/page-head";

const FALLBACK: WorklistFallback = { state: "all", order: "name" };

/** Every case of the project with what only leads see: file, split, arm. */
export default function CasesPage() {
  const { t } = useTranslation("worklist");
  const slug = useSlug();
  const project = useProject(slug);
  const user = useMe().data?.username;
  return (
    <>
      <PageHead title={t("cases.title")} note={t("cases.note")} />
      <NameReportStrip slug={slug} fallback={FALLBACK} />
      <CaseList
        key={`${slug} ${user}`}
        slug={slug}
        project={project.data}
        fallback={FALLBACK}
        leadColumns
        aside={<ReadersAside slug={slug} />}
      />
    </>
  );
}
