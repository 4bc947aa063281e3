/** What the gate decided, in the page's words: one sentence a reason. */
import type { TFunction } from "i18next";
import type { Gate } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { serverWords } from "@/lib/server-words";

const UNPROVEN = new Set(["few_to_prove", "few_to_compare"]);

/** It serves although VALIDATION could not show anything. */
export function servesUnproven(gate: Gate): boolean {
  return gate.decision === "serves" && (gate.reasons ?? []).some((reason) => UNPROVEN.has(reason));
}

export function gateSentences(gate: Gate, t: TFunction<"models">): string[] {
  if (!gate.decision) return [t("gate.none")];
  if (!gate.reasons?.length) {
    return gate.text ? [t("gate.reason.old", { text: serverWords(gate.text, t as unknown as TFunction) })] : [];
  }
  const values = {
    old: gate.against,
    patients: count(gate.n_patients ?? 0),
    needed: count(gate.needed_patients ?? 0),
    margin: typeof gate.margin === "number" ? decimal(gate.margin) : "",
  };
  if (servesUnproven(gate)) return [t("gate.reason.unproven", values)];
  return gate.reasons.map((reason) => {
    const within = reason === "not_worse" && typeof gate.margin === "number";
    return t(`gate.reason.${within ? "within_margin" : reason}`, values);
  });
}
