import { useTranslation } from "react-i18next";
import { useSecondLook } from "@/features/second-look/api/second-look";
import { DoubtsCard } from "@/features/second-look/components/doubts-card";
import { PairsCard } from "@/features/second-look/components/pairs-card";
import { useProject, useSlug } from "@/lib/project";
import { Card } from "@/ui/card";
import { Cell } from "@/ui/cell";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

/** What reviewers and leads may want to read again. */
export default function SecondLookPage() {
  const { t } = useTranslation("second-look");
  const slug = useSlug();
  const found = useSecondLook(slug);
  const project = useProject(slug);
  const error = found.error ?? project.error;
  return (
    <>
      <PageHead title={t("title")} note={t("note")} />
      {error ? (
        <Card>
          <ErrorState error={error} retry={() => void (found.isError ? found : project).refetch()} />
        </Card>
      ) : !found.data || !project.data ? (
        <Card bare>
          <LoadingRows rows={8} height={96} />
        </Card>
      ) : (
        <div className="g12 learn">
          <Cell span={7}>
            <DoubtsCard project={project.data} doubts={found.data.doubts} />
          </Cell>
          <Cell span={5}>
            <PairsCard project={project.data} pairs={found.data.pairs} blinded={found.data.blinded_pairs} />
          </Cell>
        </div>
      )}
    </>
  );
}
