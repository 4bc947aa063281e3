/** What brought the files of an import where no person sent them, in the page's words; else as the server says it. */
import type { TFunction } from "i18next";

const ORIGINS: [RegExp, string][] = [
  [/^C-STORE from (.+)$/, "store"],
  [/^STOW-RS$/, "stow"],
  [/^PACS (.+)$/, "pacs"],
  [/^folder (.+)$/, "folder"],
  [/^bucket (.+)$/, "bucket"],
];

export function originWords(origin: string, t: TFunction): string {
  for (const [pattern, key] of ORIGINS) {
    const found = pattern.exec(origin);
    if (found) return t(`common:from.${key}`, { name: found[1] });
  }
  return t("common:from.other", { origin });
}
