/**
 * Scales that are ready to be given to a finding type. Their words are in the vocabulary's locales, in our own words:
 * of BI-RADS and Lung-RADS only the numbers of the categories are taken.
 */
import type { TFunction } from "i18next";
import type { Attribute } from "@/lib/api-types";
import { choice } from "@/lib/attributes";

export const SCALES = {
  breast: ["0", "1", "2", "3", "4A", "4B", "4C", "5", "6"],
  lung: ["0", "1", "2", "3", "4A", "4B", "4X"],
  margin: ["sharp", "lobed", "blurred", "irregular", "spiculated"],
  density: ["solid", "partSolid", "groundGlass", "calcified", "fat"],
  certainty: ["certain", "probable", "possible"],
} as const;

export type Scale = keyof typeof SCALES;
export const SCALE_NAMES = Object.keys(SCALES) as Scale[];

/** The scale as an attribute, in the words of the page's language: from then on it is the project's own. */
export function attributeOf(scale: Scale, t: TFunction<"vocabulary">): Attribute {
  const steps: readonly string[] = SCALES[scale];
  return choice(
    t(`scale.${scale}.name`),
    steps.map((step) => {
      const words = t(`scale.${scale}.${step}`);
      return /^\d/.test(step) ? `${step} ${words}` : words;
    }),
  );
}
