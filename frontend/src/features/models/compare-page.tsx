import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link, useParams, useSearchParams } from "react-router";
import { useComparison, useModel, useModels } from "@/features/models/api/models";
import { NothingYet } from "@/features/models/components/nothing-yet";
import { VersionHead } from "@/features/models/components/version-head";
import type { ComparedCase, Comparison, ModelRow } from "@/lib/api-types";
import { count, decimal, interval, signed } from "@/lib/format";
import { useSlug } from "@/lib/project";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { Segmented } from "@/ui/segmented";
import { Thumbnail } from "@/ui/thumbnail";

const FIELDS = ["dice", "sensitivity", "false_positives", "score"] as const;
type Field = (typeof FIELDS)[number];
/** How many decimals a value of the field has; lesions and false positives are counted. */
const PLACES: Record<Field, number> = { dice: 2, sensitivity: 2, false_positives: 0, score: 2 };

/** Two versions case by case on VALIDATION. */
export default function ComparePage() {
  const { t } = useTranslation("models");
  const slug = useSlug();
  const number = Number(useParams().number);
  const [search, setSearch] = useSearchParams();
  const version = useModel(slug, Number.isInteger(number) ? number : null);
  const models = useModels(slug);
  const rows = (models.data ?? []).filter((row) => row.number !== number);
  const other = otherOf(search.get("with"), version.data?.gate.against, rows);
  const by = FIELDS.find((field) => field === search.get("by")) ?? "dice";
  const comparison = useComparison(slug, number, other, by);
  const failed = [version, models, comparison].find((one) => one.isError);
  const choose = (change: Record<string, string>) =>
    setSearch({ ...Object.fromEntries(search), ...change }, { replace: true });
  if (models.data?.length === 0) {
    return (
      <>
        <PageHead title={t("title")} />
        <NothingYet slug={slug} title={t("none")} note={t("noneNote")} />
      </>
    );
  }
  if (failed || !version.data || !models.data) {
    return (
      <>
        <PageHead title={t("versionTitle", { n: number })} />
        <Card bare={!failed}>
          {failed ? <ErrorState error={failed.error} retry={() => void failed.refetch()} /> : <LoadingRows />}
        </Card>
      </>
    );
  }
  return (
    <>
      <VersionHead slug={slug} version={version.data}>
        {rows.length ? (
          <>
            <span className="sm sec nw">{t("compare.with")}</span>
            <Select
              aria-label={t("compare.with")}
              style={{ width: 150 }}
              data={rows.map((row) => ({
                value: String(row.number),
                label: `v${row.number} · ${t(`state.${row.state}`)}`,
              }))}
              value={other === null ? null : String(other)}
              allowDeselect={false}
              onChange={(value) => value && choose({ with: value })}
            />
          </>
        ) : null}
      </VersionHead>
      {rows.length === 0 ? (
        <NothingYet slug={slug} title={t("compare.only")} note={t("compare.onlyNote")} />
      ) : !comparison.data ? (
        <Card bare>
          <LoadingRows rows={8} height={46} />
        </Card>
      ) : comparison.data.n_cases === 0 ? (
        <EmptyState title={t("compare.none")}>{t("compare.noneNote")}</EmptyState>
      ) : (
        <>
          <Summary told={comparison.data} />
          <Cases slug={slug} told={comparison.data} by={by} onSort={(field) => choose({ by: field })} />
        </>
      )}
    </>
  );
}

/** The one asked for, else the champion of its gate, else the newest other one. */
function otherOf(asked: string | null, against: number | null | undefined, rows: ModelRow[]): number | null {
  const has = (wanted: number | null | undefined) => rows.some((row) => row.number === wanted);
  if (asked && has(Number(asked))) return Number(asked);
  if (has(against)) return against ?? null;
  return rows[0]?.number ?? null;
}

function Summary({ told }: { told: Comparison }) {
  const { t } = useTranslation("models");
  const values = { cases: count(told.n_cases), patients: count(told.n_patients) };
  return (
    <Card bare title={t("compare.summary")} note={t("compare.n", values)} style={{ flex: "none" }}>
      <table style={{ "--rh": "40px" } as React.CSSProperties}>
        <thead>
          <tr>
            <th>{t("compare.metric")}</th>
            <th className="r">v{told.other}</th>
            <th className="r">v{told.number}</th>
            <th className="r">{t("compare.difference")}</th>
            <th className="r">{t("compare.better")}</th>
            <th className="r">{t("compare.worse")}</th>
            <th className="r">{t("patients")}</th>
          </tr>
        </thead>
        <tbody>
          {told.metrics.map((one) => {
            const text = interval({ value: one.difference, low: one.low, high: one.high }, 3, true);
            const ranked = one.metric === "auc";
            return (
              <tr key={one.metric}>
                <td className="b">{t(`metric.${one.metric}`)}</td>
                <td className="r num sec">{one.others === null ? "" : decimal(one.others, 3)}</td>
                <td className="r num">{one.own === null ? "" : decimal(one.own, 3)}</td>
                <td className={`r num${beyond(one.low, one.high) ? " b" : ""}`}>
                  {text ?? <span className="q">{serverWords(one.note, t as never)}</span>}
                </td>
                <td className="r num sec">{ranked ? "" : count(one.better)}</td>
                <td className="r num sec">{ranked ? "" : count(one.worse)}</td>
                <td className="r num sec">{count(one.n_patients)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="sm q" style={{ padding: "8px 16px 12px" }}>
        {[
          t("compare.thresholds"),
          told.unshared ? t("compare.unshared", { count: told.unshared, shown: count(told.unshared) }) : "",
          told.changed ? t("compare.changed", { count: told.changed, shown: count(told.changed) }) : "",
        ]
          .filter(Boolean)
          .join(" ")}
      </p>
    </Card>
  );
}

/** The interval does not hold zero. */
const beyond = (low: number | null, high: number | null) => low !== null && high !== null && (low > 0 || high < 0);

interface CasesProps {
  slug: string;
  told: Comparison;
  by: Field;
  onSort: (field: Field) => void;
}

function Cases({ slug, told, by, onSort }: CasesProps) {
  const { t } = useTranslation("models");
  return (
    <Card
      bare
      title={t("compare.cases")}
      style={{ flex: "none" }}
      actions={
        <>
          <span className="sm sec nw">{t("compare.by")}</span>
          <Segmented<Field>
            label={t("compare.by")}
            value={by}
            onChange={onSort}
            options={FIELDS.map((value) => ({ value, label: t(`compare.field.${value}`) }))}
          />
        </>
      }
    >
      {told.cases.length ? (
        <table style={{ "--rh": "58px" } as React.CSSProperties}>
          <thead>
            <tr>
              <th>{t("compare.case")}</th>
              <th className="r">{t("compare.change")}</th>
              {FIELDS.map((field) => (
                <th key={field} className="r">
                  {t(`compare.field.${field}`)} v{told.other} → v{told.number}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {told.cases.map((one) => (
              <tr key={one.id}>
                <td>
                  <Link
                    to={`/p/${slug}/read/${one.id}`}
                    className="row"
                    style={{ gap: 12, color: "inherit", width: "fit-content" }}
                  >
                    <Thumbnail src={one.thumbnail} width={60} height={45} />
                    <span className="b">{one.name}</span>
                  </Link>
                </td>
                <td className="r num b">
                  <Change one={one} by={by} />
                </td>
                {FIELDS.map((field) => (
                  <td key={field} className="r num sec">
                    {pair(one, field)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p className="sec" style={{ padding: 16 }}>
          {t("compare.nothingShown")}
        </p>
      )}
      {told.blinded ? (
        <p className="sm q" style={{ padding: "8px 16px 12px" }}>
          {t("cases.blinded", { count: told.blinded, shown: count(told.blinded) })}
        </p>
      ) : null}
    </Card>
  );
}

/** Better in green, worse in red, with its sign: colour never speaks alone. */
function Change({ one, by }: { one: ComparedCase; by: Field }) {
  if (one.change === null) return null;
  const text = signed(one.change, PLACES[by]);
  const good = by === "false_positives" ? one.change < 0 : one.change > 0;
  const colour = one.change === 0 || by === "score" ? undefined : good ? "var(--ok)" : "var(--bad)";
  return <span style={{ color: colour }}>{text}</span>;
}

function pair(one: ComparedCase, field: Field): string {
  const write = (value: number | null) => {
    if (value === null) return "–";
    if (field === "sensitivity") return `${Math.round(value * one.lesions)}/${one.lesions}`;
    return decimal(value, PLACES[field]);
  };
  if (one.own[field] === null && one.others[field] === null) return "";
  return `${write(one.others[field])} → ${write(one.own[field])}`;
}
