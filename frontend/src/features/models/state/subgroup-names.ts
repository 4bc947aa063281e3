/** Groups of cases in words: finding types by name, sizes by their bounds, the rest as the header says. */
import type { TFunction } from "i18next";
import type { FindingType, Subgroup } from "@/lib/api-types";
import { decimal } from "@/lib/format";

type Named = Pick<Subgroup, "dimension" | "group" | "unit" | "start" | "end">;

export function groupName(one: Named, types: readonly FindingType[], t: TFunction<"models">): string {
  if (one.dimension === "finding_type") {
    return types.find((type) => String(type.id) === one.group)?.name ?? one.group;
  }
  if (one.dimension === "size") return sizeName(one, t);
  if (one.group === "") return t("subgroups.notStated");
  if (one.dimension === "sex") return t(`subgroups.sex.${one.group}`, { defaultValue: one.group });
  if (one.dimension === "age") return one.group.replace("-", "–");
  return one.group;
}

function sizeName({ group, unit, start, end }: Named, t: TFunction<"models">): string {
  const bound = (value: number | null) => (value === null ? "" : decimal(value, unit === "mm" ? 1 : 0));
  if (start === null && end === null) return t(`subgroups.size.${group}`, { defaultValue: group });
  if (start === null) return t("subgroups.under", { end: bound(end), unit });
  if (end === null) return t("subgroups.from", { start: bound(start), unit });
  return t("subgroups.between", { start: bound(start), end: bound(end), unit });
}
