import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { useModels } from "@/features/models/api/models";
import { ForeignModelsCard } from "@/features/models/components/foreign-models-card";
import { ModelStateChip } from "@/features/models/components/model-state-chip";
import { NothingYet } from "@/features/models/components/nothing-yet";
import { count, dayTime } from "@/lib/format";
import { overall } from "@/lib/metrics";
import { useSlug } from "@/lib/project";
import { useKeys } from "@/lib/use-keys";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { MetricValue } from "@/ui/metric-value";
import { PageHead } from "@/ui/page-head";

export default function ModelsPage() {
  const { t } = useTranslation("models");
  const slug = useSlug();
  const models = useModels(slug);
  const navigate = useNavigate();
  const [at, setAt] = useState(0);
  const rows = models.data ?? [];
  const open = (number: number | undefined) => {
    if (number !== undefined) void navigate(`/p/${slug}/models/${number}`);
  };
  useKeys({
    j: () => setAt(Math.min(rows.length - 1, at + 1)),
    k: () => setAt(Math.max(0, at - 1)),
    enter: () => open(rows[at]?.number),
  });
  return (
    <>
      <PageHead title={t("title")} note={t("note")} />
      {models.isError ? (
        <Card>
          <ErrorState error={models.error} retry={() => void models.refetch()} />
        </Card>
      ) : models.isPending ? (
        <Card bare>
          <LoadingRows rows={6} height={46} />
        </Card>
      ) : rows.length === 0 ? (
        <NothingYet slug={slug} title={t("none")} note={t("noneNote")} />
      ) : (
        <Card bare style={{ flex: "none" }}>
          <table style={{ "--rh": "46px" } as React.CSSProperties}>
            <thead>
              <tr>
                <th>{t("version")}</th>
                <th>{t("stateTitle")}</th>
                <th>{t("made")}</th>
                <th className="r">{t("readings")}</th>
                <th className="r">{t("metric.dice")}</th>
                <th className="r">{t("metric.auc")}</th>
                <th className="r">{t("metric.sensitivity")}</th>
                <th className="r">{t("patients")}</th>
                <th className="r">{t("from")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr
                  key={row.number}
                  className={`go${index === at ? " on" : ""}`}
                  aria-current={index === at || undefined}
                  onMouseDown={() => setAt(index)}
                  onClick={() => open(row.number)}
                >
                  <td className="b">
                    <Link
                      to={`/p/${slug}/models/${row.number}`}
                      style={{ color: "inherit" }}
                      onClick={(event) => event.stopPropagation()}
                    >
                      v{row.number}
                    </Link>
                  </td>
                  <td>
                    <ModelStateChip state={row.state} released={row.released_at !== null} />
                  </td>
                  <td className="sec num">{dayTime(row.created_at)}</td>
                  <td className="r num">{count(row.n_labels)}</td>
                  <td className="r">
                    <MetricValue metric={overall(row.metrics, "dice")} places={3} />
                  </td>
                  <td className="r">
                    <MetricValue metric={overall(row.metrics, "auc")} />
                  </td>
                  <td className="r">
                    <MetricValue metric={overall(row.metrics, "sensitivity")} />
                  </td>
                  <td className="r num sec">{count(row.n_patients)}</td>
                  <td className="r num sec">{row.parent === null ? t("scratch") : `v${row.parent}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      )}
      <ForeignModelsCard slug={slug} />
    </>
  );
}
