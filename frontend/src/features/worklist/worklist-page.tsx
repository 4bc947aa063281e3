import { useTranslation } from "react-i18next";
import { CaseList } from "@/features/worklist/components/case-list";
import { PaceAside } from "@/features/worklist/components/pace-aside";
import { SentBackStrip } from "@/features/worklist/components/sent-back-strip";
import type { WorklistFallback } from "@/features/worklist/worklist-view";
import { useMe } from "@/lib/me";
import { useProject, useSlug } from "@/lib/project";
import { PageHead } from "@/ui/page-head";

const FALLBACK: WorklistFallback = { state: "to_read", order: "priority" };

/** What this reader is to read, in the order in which it helps most. */
export default function WorklistPage() {
  const { t } = useTranslation("worklist");
  const slug = useSlug();
  const project = useProject(slug);
  const user = useMe().data?.username;
  return (
    <>
      <PageHead title={t("title")} note={project.data?.question} />
      <SentBackStrip slug={slug} fallback={FALLBACK} />
      <CaseList
        key={`${slug} ${user}`}
        slug={slug}
        project={project.data}
        fallback={FALLBACK}
        aside={<PaceAside slug={slug} />}
      />
    </>
  );
}
