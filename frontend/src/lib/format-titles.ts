/** What people call a format of readings, in the page's language; the server's own title where there is no other. */
import type { TFunction } from "i18next";

export function formatTitle({ name, title }: { name: string; title: string }, t: TFunction): string {
  return t(`common:format.${name}`, { defaultValue: title });
}
