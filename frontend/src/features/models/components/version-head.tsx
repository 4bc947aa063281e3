import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";
import { ModelStateChip } from "@/features/models/components/model-state-chip";
import type { ModelVersion } from "@/lib/api-types";
import { count } from "@/lib/format";
import { PageHead } from "@/ui/page-head";

interface VersionHeadProps {
  slug: string;
  version: ModelVersion;
  children?: ReactNode;
}

/** The head that the pages of a version share: which one it is, and the way between its pages. */
export function VersionHead({ slug, version, children }: VersionHeadProps) {
  const { t } = useTranslation("models");
  return (
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
      {children}
      <VersionTabs slug={slug} number={version.number} />
    </PageHead>
  );
}

/** Error, card, comparison and inside of one version. */
export function VersionTabs({ slug, number }: { slug: string; number: number }) {
  const { t } = useTranslation("models");
  const base = `/p/${slug}/models/${number}`;
  const tabs = [
    ["error", base],
    ["card", `${base}/card`],
    ["compare", `${base}/compare`],
    ["inside", `${base}/inside`],
  ] as const;
  return (
    <nav className="seg no-print" aria-label={t("tabs.label")}>
      {tabs.map(([name, to]) => (
        <NavLink key={name} to={to} end className={({ isActive }) => (isActive ? "on" : "")}>
          {t(`tabs.${name}`)}
        </NavLink>
      ))}
    </nav>
  );
}
