import { useTranslation } from "react-i18next";
import { CaseList } from "@/features/worklist/components/case-list";
import { ReadersAside } from "@/features/worklist/components/readers-aside";
import { useMe } from "@/lib/me";
import { useProject, useSlug } from "@/lib/project";
import { PageHead } from "@/ui/page-head";

/** Every case of the project with what only leads see: file, split, arm. */
export default function CasesPage() {
  const { t } = useTranslation("worklist");
  const slug = useSlug();
  const project = useProject(slug);
  const user = useMe().data?.username;
  return (
    <>
      <PageHead title={t("cases.title")} note={t("cases.note")} />
      <CaseList
        key={`${slug} ${user}`}
        slug={slug}
        project={project.data}
        fallback={{ state: "all", order: "name" }}
        leadColumns
        aside={<ReadersAside slug={slug} />}
      />
    </>
  );
}
