import { useTranslation } from "react-i18next";
import type { ReviewState } from "@/lib/api-types";
import { count } from "@/lib/format";
import { ListFoot } from "@/ui/list-foot";

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
  const hints = HINTS.filter(([, does]) => does !== "first" || state === "waiting");
  return (
    <ListFoot hints={hints.map(([keys, does]) => [keys, t(`hint.${does}`)])}>
      {total === undefined ? null : t(`total.${state}`, { count: total, shown: count(total) })}
    </ListFoot>
  );
}
