import { IconLock } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useModel, useModels } from "@/features/models/api/models";
import { CardOfVersion } from "@/features/models/components/card-of-version";
import { CasesCard } from "@/features/models/components/cases-card";
import { FrocCard } from "@/features/models/components/froc-card";
import { GateCard } from "@/features/models/components/gate-card";
import { HoldoutPanel } from "@/features/models/components/holdout-panel";
import { ModelStateChip } from "@/features/models/components/model-state-chip";
import { NumbersCard } from "@/features/models/components/numbers-card";
import { ReliabilityCard } from "@/features/models/components/reliability-card";
import { SealedCard } from "@/features/models/components/sealed-card";
import { SubgroupsCard } from "@/features/models/components/subgroups-card";
import type { Chosen } from "@/features/models/state/chosen";
import type { Evaluation, ModelRow, ModelVersion } from "@/lib/api-types";
import { count } from "@/lib/format";
import { useProject, useSlug } from "@/lib/project";
import { LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { Cell } from "@/ui/cell";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { Segmented } from "@/ui/segmented";

type Shown = "VALIDATION" | "HOLDOUT";

export default function ModelPage() {
  const { t } = useTranslation("models");
  const slug = useSlug();
  const number = Number(useParams().number);
  const version = useModel(slug, Number.isInteger(number) ? number : null);
  const title = t("versionTitle", { n: number });
  if (version.isError) {
    return (
      <>
        <PageHead title={title} />
        <Card>
          <ErrorState error={version.error} retry={() => void version.refetch()} />
        </Card>
      </>
    );
  }
  if (!version.data) {
    return (
      <>
        <PageHead title={title} />
        <Card bare>
          <LoadingRows />
        </Card>
      </>
    );
  }
  return <ModelBody key={version.data.number} slug={slug} version={version.data} />;
}

function ModelBody({ slug, version }: { slug: string; version: ModelVersion }) {
  const { t } = useTranslation("models");
  const [split, setSplit] = useState<Shown>("VALIDATION");
  const models = useModels(slug);
  const project = useProject(slug);
  const other = useModel(slug, version.gate.against);
  const evaluation = newest(version.evaluations, split);
  const compared = other.data ? newest(other.data.evaluations, split) : undefined;
  const validation = newest(version.evaluations, "VALIDATION");
  const [chosen, choose] = useState<Chosen | null>(null);
  // Single cases of HOLDOUT stay sealed; a point that is chosen again is put back.
  const onChoose =
    split === "VALIDATION" && evaluation?.subgroups.length
      ? (one: Chosen) => choose(one.key === chosen?.key ? null : one)
      : undefined;
  const types = project.data?.finding_types ?? [];
  return (
    <>
      <PageHead
        title={t("versionTitle", { n: version.number })}
        note={
          <>
            <ModelStateChip state={version.state} released={version.released_at !== null} />
            <span className="q sm nw">
              {t("headNote", { count: version.n_labels, readings: count(version.n_labels) })}{" "}
              <span className="mono">{version.snapshot_hash.slice(0, 7)}</span>
            </span>
          </>
        }
      >
        <LinkButton dense to={`/p/${slug}/models/${version.number}/inside`}>
          {t("inside")}
        </LinkButton>
        <span className="sm sec">{t("split")}</span>
        <Segmented<Shown>
          label={t("split")}
          value={split}
          onChange={setSplit}
          options={[
            {
              value: "VALIDATION",
              label: (
                <>VALIDATION {validation ? <span className="num">{count(validation.n_patients)}</span> : null}</>
              ),
            },
            {
              value: "HOLDOUT",
              label: (
                <>
                  <IconLock size={14} stroke={1.6} /> HOLDOUT
                </>
              ),
            },
          ]}
        />
      </PageHead>
      {split === "HOLDOUT" ? <HoldoutPanel slug={slug} version={version} evaluation={evaluation} /> : null}
      {split === "VALIDATION" && !evaluation ? (
        <NotMeasured slug={slug} version={version} rows={models.data ?? []} />
      ) : null}
      {evaluation ? (
        <div className="g12" style={{ flex: "none" }}>
          <Cell span={5}>
            <FrocCard
              version={version}
              evaluation={evaluation}
              against={version.gate.against ?? null}
              compared={compared}
              chosen={chosen}
              onChoose={onChoose}
            />
          </Cell>
          <Cell span={4}>
            <ReliabilityCard
              version={version}
              evaluation={evaluation}
              types={types}
              chosen={chosen}
              onChoose={onChoose}
            />
          </Cell>
          <Cell span={3}>
            <GateCard slug={slug} version={version} rows={models.data ?? []} />
          </Cell>
          <Cell span={8}>
            <SubgroupsCard
              version={version}
              evaluation={evaluation}
              types={types}
              chosen={chosen}
              onChoose={onChoose}
            />
          </Cell>
          <Cell span={4}>
            {split === "HOLDOUT" ? (
              <SealedCard />
            ) : (
              <CasesCard slug={slug} number={version.number} chosen={chosen} onClear={() => choose(null)} />
            )}
          </Cell>
          <Cell span={8}>
            <NumbersCard evaluation={evaluation} version={version} />
          </Cell>
          <Cell span={4}>
            <CardOfVersion slug={slug} version={version} />
          </Cell>
        </div>
      ) : null}
    </>
  );
}

/** A version of which nothing is known yet but where it comes from. */
function NotMeasured({ slug, version, rows }: { slug: string; version: ModelVersion; rows: ModelRow[] }) {
  const { t } = useTranslation("models");
  return (
    <div className="g12" style={{ flex: "none" }}>
      <Cell span={5}>
        <Card title={t("notMeasuredTitle")}>
          <p className="sec" style={{ maxWidth: 420 }}>
            {t("notMeasuredNote")}
          </p>
        </Card>
      </Cell>
      <Cell span={3}>
        <GateCard slug={slug} version={version} rows={rows} />
      </Cell>
      <Cell span={4}>
        <CardOfVersion slug={slug} version={version} />
      </Cell>
    </div>
  );
}

/** The newest evaluation on a split; the server lists newest first. */
function newest(evaluations: Evaluation[], split: Shown): Evaluation | undefined {
  return evaluations.find((one) => one.split === split);
}
