/** Options of a format as a person sets them, of reading and of writing: what means nothing, and what goes to the server. */
import type { FormatOption } from "@/lib/api-types";

const LABEL = /^\s*\d+\s*:\s*[^\s:][^,]*$/;

/** Whether a value means nothing, as the server would say too: the key of the words for it. */
export function lackOf(option: FormatOption, value: string): "share" | "labels" | null {
  if (!value.trim()) return null;
  if (option.kind === "share") return Number(value) > 0 && Number(value) <= 1 ? null : "share";
  if (option.kind === "labels")
    return value.split(",").every((part) => !part.trim() || LABEL.test(part)) ? null : "labels";
  return null;
}

/** Only what differs from what is done anyway. */
export function setOptions(options: FormatOption[], values: Record<string, string>): Record<string, string> {
  const set = options.flatMap(({ name, ...option }) => {
    const value = values[name]?.trim() ?? "";
    return value && value !== option.default ? [[name, value] as const] : [];
  });
  return Object.fromEntries(set);
}

/** Whether every value means something. */
export function areMeant(options: FormatOption[], values: Record<string, string>): boolean {
  return options.every((option) => lackOf(option, values[option.name] ?? "") === null);
}
