import type { TFunction } from "i18next";
import type { RoundReason } from "@/lib/api-types";
import { count } from "@/lib/format";

/** Why a round was started, in words: "after 12 readings", "+25 % labels since version 4", "by lena". */
export function reasonWords(reason: RoundReason, startedBy: string | null, t: TFunction): string {
  const { code, n, percent, version } = reason;
  if (code === "by_hand") return startedBy ? t("round.by", { name: startedBy }) : t("reason.by_hand");
  if (code === "growth") {
    return version === null ? t("reason.growthSince", { percent }) : t("reason.growth", { percent, n: version });
  }
  return n === null ? t("round.byPolicy") : t(`reason.${code}`, { count: n, shown: count(n) });
}
