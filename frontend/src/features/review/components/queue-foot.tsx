import { useTranslation } from "react-i18next";
import type { ReviewState } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Kbd } from "@/ui/kbd";

const HINTS: [string[], string][] = [
  [["J", "K"], "move"],
  [["↵"], "open"],
  [["C"], "first"],
  [["F"], "state"],
  [["G"], "reader"],
  [["?"], "allKeys"],
];

/** The keys in force, and how many there are. */
export function QueueFoot({ total, state }: { total: number | undefined; state: ReviewState }) {
  const { t } = useTranslation("review");
  return (
    <footer className="row sm sec rv-foot">
      {HINTS.filter(([, does]) => does !== "first" || state === "waiting").map(([keys, does]) => (
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
