import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useEvaluatedCases } from "@/features/models/api/models";
import type { Chosen } from "@/features/models/state/chosen";
import type { EvaluatedCase } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { SmallImage } from "@/ui/small-image";

const SHOWN = 12;

interface CasesCardProps {
  slug: string;
  number: number;
  chosen: Chosen | null;
  onClear: () => void;
}

/** The cases behind the chosen point or row, the worst first; each opens in the reading room. */
export function CasesCard({ slug, number, chosen, onClear }: CasesCardProps) {
  const { t } = useTranslation("models");
  const cases = useEvaluatedCases(slug, number, chosen?.query ?? {});
  const [whole, showWhole] = useState<string | null>(null);
  const key = chosen?.key ?? "";
  const found = cases.data;
  const shown = found?.cases.slice(0, whole === key ? undefined : SHOWN) ?? [];
  return (
    <Card
      title={t("cases.title")}
      note={found ? t("cases.n", { count: found.total, shown: count(found.total) }) : undefined}
      actions={
        chosen ? (
          <Button dense variant="ghost" icon={<IconX size={16} stroke={1.6} />} onClick={onClear}>
            {t("cases.clear")}
          </Button>
        ) : null
      }
    >
      <p className="sm sec" style={{ marginBottom: 10 }} aria-live="polite">
        {chosen?.label ?? t("cases.all")}
      </p>
      {cases.isError ? (
        <ErrorState error={cases.error} retry={() => void cases.refetch()} />
      ) : !found ? (
        <LoadingRows rows={4} height={96} />
      ) : (
        <>
          {shown.length ? (
            <ul style={{ display: "grid", gridTemplateColumns: "repeat(3, 1fr)", gap: "12px 10px" }}>
              {shown.map((one) => (
                <li key={one.id} style={{ minWidth: 0 }}>
                  <CaseTile slug={slug} one={one} />
                </li>
              ))}
            </ul>
          ) : (
            <p className="sec">{t(found.blinded ? "cases.noneLeft" : "cases.none")}</p>
          )}
          {found.blinded ? (
            <p className="sm q" style={{ marginTop: 10 }}>
              {t("cases.blinded", { count: found.blinded, shown: count(found.blinded) })}
            </p>
          ) : null}
          {shown.length < found.cases.length ? (
            <Button dense style={{ marginTop: 12 }} onClick={() => showWhole(key)}>
              {t("cases.more", { shown: count(found.cases.length) })}
            </Button>
          ) : null}
        </>
      )}
    </Card>
  );
}

function CaseTile({ slug, one }: { slug: string; one: EvaluatedCase }) {
  const { t } = useTranslation("models");
  return (
    <Link to={`/p/${slug}/read/${one.id}`} style={{ color: "inherit", display: "block" }}>
      <span className="thumb-t" style={{ display: "block", aspectRatio: "4 / 3", width: "100%" }}>
        <SmallImage key={one.thumbnail} src={one.thumbnail} />
      </span>
      <span className="row sb xs" style={{ gap: 4, marginTop: 4 }}>
        <span className="ell">{one.name}</span>
        {one.dice === null ? null : (
          <span className="num b nw" title={t("metric.dice")}>
            {decimal(one.dice)}
          </span>
        )}
      </span>
      <span className="xs q ell" style={{ display: "block" }}>
        {outcome()}
      </span>
    </Link>
  );

  function outcome(): string {
    const parts = [
      one.missed === 1 && one.lesions === 1 ? t("cases.missedOne") : "",
      one.missed && one.lesions > 1
        ? t("cases.missed", { missed: count(one.missed), lesions: count(one.lesions) })
        : "",
      one.false_positives
        ? t("cases.false", { count: one.false_positives, shown: count(one.false_positives) })
        : "",
    ].filter(Boolean);
    if (parts.length) return parts.join(t("cases.join"));
    return one.lesions ? t("cases.found") : t("cases.clean");
  }
}
