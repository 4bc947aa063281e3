import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { ModelVersion } from "@/lib/api-types";
import { count, dayTime, decimal, duration } from "@/lib/format";
import { planWords } from "@/lib/plan-words";
import { Card } from "@/ui/card";

/** Where the version comes from and what it takes to make it again. */
export function CardOfVersion({ slug, version }: { slug: string; version: ModelVersion }) {
  const { t } = useTranslation("models");
  const lines: [string, React.ReactNode][] = [
    [
      t("lineage.from"),
      version.parent === null ? (
        t("scratch")
      ) : (
        <Link key="p" to={`/p/${slug}/models/${version.parent}`}>
          v{version.parent}
        </Link>
      ),
    ],
    [t("lineage.made"), dayTime(version.created_at)],
    [t("lineage.readings"), count(version.n_labels)],
    [t("lineage.steps"), count(version.steps)],
    [t("lineage.time"), t("lineage.coreTime", { time: duration(version.core_seconds) })],
    [t("lineage.threshold"), decimal(version.display_threshold)],
    [t("lineage.seed"), <Mono key="s">{String(version.seed)}</Mono>],
    [t("lineage.code"), <Mono key="c">{version.code_version}</Mono>],
    ...planWords(version.config, t)
      .slice(0, 1)
      .map((words): [string, React.ReactNode] => [t("lineage.network"), words]),
    [t("lineage.snapshot"), <Mono key="n">{version.snapshot_hash}</Mono>],
    [t("lineage.weights"), <Mono key="w">{version.weights_sha256}</Mono>],
    [t("lineage.released"), version.released_at ? dayTime(version.released_at) : t("lineage.notReleased")],
  ];
  return (
    <Card title={t("lineage.title")}>
      <dl className="kv">
        {lines.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd className="num">{value}</dd>
          </Fragment>
        ))}
      </dl>
      <details className="sm" style={{ marginTop: 12 }}>
        <summary className="sec">{t("lineage.config")}</summary>
        <pre className="mono q" style={{ whiteSpace: "pre-wrap", margin: "8px 0 0" }}>
          {JSON.stringify(version.config, null, 2)}
        </pre>
      </details>
    </Card>
  );
}

function Mono({ children }: { children: string }) {
  return (
    <span className="mono" title={children}>
      {children.length > 20 ? `${children.slice(0, 16)}…` : children}
    </span>
  );
}
