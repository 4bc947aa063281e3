import type { TFunction } from "i18next";
import type { SeenLayer } from "@/lib/api-types";

export type Part = "down" | "bottom" | "up" | "answer";

/** Where each block stands: on the way down, at the bottom, on the way up, or giving the answer; from its size alone. */
export function partsOf(layers: SeenLayer[]): Part[] {
  const smallest = Math.min(...layers.map((layer) => layer.size[0]));
  const bottom = layers.findIndex((layer) => layer.size[0] === smallest);
  const isU = layers.some((layer, index) => index > bottom && layer.size[0] > smallest);
  return layers.map((layer, index) => {
    if (layer.name.endsWith("_head")) return "answer";
    if (!isU || index < bottom) return "down";
    return index === bottom ? "bottom" : "up";
  });
}

/** A block's name in words: Level 1 …, Bottom, Up …; of what is no part of a U the name in the network's code. */
export function layerNames(layers: SeenLayer[], t: TFunction): string[] {
  const parts = partsOf(layers);
  let level = 0;
  return layers.map((layer, index) => {
    switch (parts[index]) {
      case "bottom":
        return t("layer.bottom");
      case "answer":
        return layer.name.endsWith("type_head") ? t("layer.types") : layer.name;
      case "up": {
        const same = layers.findIndex((one, at) => parts[at] === "down" && one.size[0] === layer.size[0]);
        return same < 0 ? layer.name : t("layer.up", { n: same + 1 });
      }
      default:
        level += 1;
        return t("layer.level", { n: level });
    }
  });
}

/** How the size changed before a block: "max pooling 2 × 2", "filters move by 2 × 2". */
export function stepName(step: SeenLayer["steps"][number], t: TFunction): string {
  const shrinks = (step.factor.at(-1) ?? 1) > 1;
  const by = step.factor
    .slice(-2)
    .map((factor) => Number((shrinks ? factor : 1 / factor).toFixed(2)))
    .join(" × ");
  if (step.function.startsWith("max_pool")) return t("step.max", { by });
  if (step.function.includes("avg_pool")) return t("step.mean", { by });
  if (/^conv\d/.test(step.function)) return t("step.stride", { by });
  return shrinks ? t("step.smaller", { by }) : t("step.larger", { by });
}
