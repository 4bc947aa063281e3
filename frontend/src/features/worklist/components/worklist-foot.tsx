import { useTranslation } from "react-i18next";
import type { WorkFilter } from "@/lib/api-types";
import { count } from "@/lib/format";
import { ListFoot } from "@/ui/list-foot";

const HINTS: [string[], string][] = [
  [["J", "K"], "move"],
  [["↵"], "open"],
  [["C"], "continue"],
  [["/"], "search"],
  [["F"], "status"],
  [["?"], "allKeys"],
];

export function WorklistFoot({ total, state }: { total: number | undefined; state: WorkFilter }) {
  const { t } = useTranslation("worklist");
  return (
    <ListFoot hints={HINTS.map(([keys, does]) => [keys, t(`hint.${does}`)])}>
      {total === undefined ? null : t(`total.${state}`, { count: total, shown: count(total) })}
    </ListFoot>
  );
}
