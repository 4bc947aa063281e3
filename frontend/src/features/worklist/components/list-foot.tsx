import { useTranslation } from "react-i18next";
import type { WorkFilter } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Kbd } from "@/ui/kbd";

const HINTS: [string[], string][] = [
  [["J", "K"], "move"],
  [["↵"], "open"],
  [["C"], "continue"],
  [["/"], "search"],
  [["F"], "status"],
  [["?"], "allKeys"],
];

export function ListFoot({ total, state }: { total: number | undefined; state: WorkFilter }) {
  const { t } = useTranslation("worklist");
  return (
    <footer
      className="row sm sec"
      style={{
        height: 36,
        padding: "0 16px",
        borderTop: "1px solid var(--n5)",
        gap: 18,
        flex: "none",
        marginTop: "auto",
      }}
    >
      {HINTS.map(([keys, does]) => (
        <span key={does} className="row" style={{ gap: 6 }}>
          {keys.map((key) => (
            <Kbd key={key}>{key}</Kbd>
          ))}
          <span>{t(`hint.${does}`)}</span>
        </span>
      ))}
      <span className="grow" />
      {total === undefined ? null : (
        <span className="q num">{t(`total.${state}`, { count: total, shown: count(total) })}</span>
      )}
    </footer>
  );
}
