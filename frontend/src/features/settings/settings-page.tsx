import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { IdentitiesSection } from "@/features/settings/components/identities-section";
import { MembersSection } from "@/features/settings/components/members-section";
import { QuestionSection } from "@/features/settings/components/question-section";
import { SplitsSection } from "@/features/settings/components/splits-section";
import { TypesSection } from "@/features/settings/components/types-section";
import { WebhooksSection } from "@/features/settings/components/webhooks-section";
import type { Project } from "@/lib/api-types";
import { useProject, useSlug } from "@/lib/project";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

const SECTIONS = ["question", "types", "members", "splits", "identities", "webhooks"] as const;
type Section = (typeof SECTIONS)[number];

export interface SectionProps {
  project: Project;
}

const FORMS: Record<Section, React.ComponentType<SectionProps>> = {
  question: QuestionSection,
  types: TypesSection,
  members: MembersSection,
  splits: SplitsSection,
  identities: IdentitiesSection,
  webhooks: WebhooksSection,
};

export default function SettingsPage() {
  const { t } = useTranslation(["settings", "vocabulary"]);
  const slug = useSlug();
  const project = useProject(slug);
  const [params, setParams] = useSearchParams();
  const section = SECTIONS.find((one) => one === params.get("section")) ?? "question";
  const Form = FORMS[section];
  return (
    <>
      <PageHead title={t("title")} note={project.data?.name} />
      <div style={{ display: "flex", gap: 24, flex: 1, minHeight: 0 }}>
        <nav aria-label={t("title")} style={{ width: 188, flex: "none" }}>
          {SECTIONS.map((one) => (
            <button
              key={one}
              type="button"
              className={`sidelink${one === section ? " on" : ""}`}
              aria-current={one === section ? "page" : undefined}
              onClick={() => setParams({ section: one })}
            >
              {t(`section.${one}`)}
            </button>
          ))}
        </nav>
        {project.isError ? (
          <Card className="grow">
            <ErrorState error={project.error} retry={() => void project.refetch()} />
          </Card>
        ) : project.data ? (
          <Form key={section} project={project.data} />
        ) : (
          <Card bare className="grow">
            <LoadingRows />
          </Card>
        )}
      </div>
    </>
  );
}
