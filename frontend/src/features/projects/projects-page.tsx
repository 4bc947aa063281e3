import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useProjects } from "@/features/projects/api/projects";
import { ProjectTable } from "@/features/projects/components/project-table";
import { useMe } from "@/lib/me";
import { useKeys } from "@/lib/use-keys";
import { LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

export default function ProjectsPage() {
  const { t } = useTranslation("projects");
  const me = useMe();
  const projects = useProjects();
  const navigate = useNavigate();
  const [at, setAt] = useState(0);
  const rows = projects.data ?? [];
  const open = () => {
    const project = rows[at];
    if (project) void navigate(`/p/${project.slug}/worklist`);
  };
  useKeys({
    j: () => setAt(Math.min(rows.length - 1, at + 1)),
    k: () => setAt(Math.max(0, at - 1)),
    enter: open,
  });
  const create = me.data?.may_create_projects ? (
    <LinkButton variant="primary" to="/new" icon={<IconPlus size={16} stroke={1.6} />}>
      {t("common:newProject")}
    </LinkButton>
  ) : null;

  return (
    <>
      <PageHead title={t("title")} note={t("note")}>
        {rows.length ? create : null}
      </PageHead>
      {projects.isError ? (
        <Card>
          <ErrorState error={projects.error} retry={() => void projects.refetch()} />
        </Card>
      ) : projects.isPending ? (
        <Card bare>
          <LoadingRows rows={4} height={56} />
        </Card>
      ) : rows.length === 0 ? (
        <EmptyState title={t("none")} actions={create}>
          {create ? t("noneLead") : t("noneReader")}
        </EmptyState>
      ) : (
        <ProjectTable projects={rows} at={at} onPoint={setAt} />
      )}
    </>
  );
}
