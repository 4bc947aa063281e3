import { useTranslation } from "react-i18next";
import type { Split } from "@/lib/api-types";
import { count } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { useSplits } from "@/lib/splits";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";

const PARTS: [Exclude<Split, "EMBARGOED">, string][] = [
  ["POOL", "#62b0f5"],
  ["VALIDATION", "#bababa"],
  ["HOLDOUT", "#757575"],
];

/** How the patients fell into the splits; those with near-duplicates in two are listed. */
export function SplitsCard({ slug }: { slug: string }) {
  const { t } = useTranslation("imports");
  const splits = useSplits(slug);
  if (splits.isError) {
    return (
      <Card title={t("splits.title")} style={{ flex: "none" }}>
        <ErrorState error={splits.error} retry={() => void splits.refetch()} />
      </Card>
    );
  }
  const data = splits.data;
  if (!data) return null;
  const total = data.POOL + data.VALIDATION + data.HOLDOUT;
  return (
    <Card
      title={t("splits.title")}
      actions={<span className="q sm">{t("splits.note")}</span>}
      style={{ flex: "none" }}
    >
      <div aria-hidden="true" style={{ display: "flex", gap: 2, borderRadius: 2, overflow: "hidden" }}>
        {total ? (
          PARTS.filter(([split]) => data[split]).map(([split, colour]) => (
            <i key={split} style={{ flex: data[split], minWidth: 3, background: colour, height: 8 }} />
          ))
        ) : (
          <i style={{ flex: 1, background: "var(--n5)", height: 8 }} />
        )}
      </div>
      <div className="row sb sm" style={{ marginTop: 8 }}>
        {PARTS.map(([split, colour]) => (
          <span key={split} className="row" style={{ gap: 6 }}>
            <i aria-hidden="true" style={{ width: 8, height: 8, borderRadius: 2, background: colour }} />
            {split} <b className="b num">{count(data[split])}</b>
          </span>
        ))}
      </div>
      {data.EMBARGOED ? (
        <details className="sm" style={{ marginTop: 12 }}>
          <summary className="sec">
            {t("splits.embargoed", { count: data.EMBARGOED, shown: count(data.EMBARGOED) })}
          </summary>
          <ul className="q" style={{ marginTop: 6, maxHeight: 200, overflow: "auto" }}>
            {data.embargoed.map((one) => (
              <li key={one.case} style={{ padding: "3px 0" }}>
                <span className="sec">{one.name}</span> {serverWords(one.reason, t)}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </Card>
  );
}
