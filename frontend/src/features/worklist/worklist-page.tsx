import { useTranslation } from "react-i18next";
import { CaseList } from "@/features/worklist/components/case-list";
import { PaceAside } from "@/features/worklist/components/pace-aside";
import { useMe } from "@/lib/me";
import { useProject, useSlug } from "@/lib/project";
import { PageHead } from "@/ui/page-head";

/** What this reader is to read, in the order in which it helps most. */
export default function WorklistPage() {
  const { t } = useTranslation("worklist");
  const slug = useSlug();
  const project = useProject(slug);
  const user = useMe().data?.username;
  return (
    <>
      <PageHead title={t("title")} note={project.data?.question} />
      <CaseList
        key={`${slug} ${user}`}
        slug={slug}
        project={project.data}
        fallback={{ state: "to_read", order: "priority" }}
        aside={<PaceAside slug={slug} />}
      />
    </>
  );
}
