/** What a person chose of readings of other programs among the files: the format and its options, as the server takes them. */
import type { FormatOption, ImportFormat, ImportOptions } from "@/lib/api-types";

export interface ReadingsChoice {
  /** Empty: recognised by itself; "none": not looked for. */
  format: string;
  values: Record<string, string>;
}

export const RECOGNISED: ReadingsChoice = { format: "", values: {} };
export const NOT_LOOKED_FOR = "none";

/** The options that the chosen format has. */
export function optionsOf(choice: ReadingsChoice, formats: ImportFormat[]): FormatOption[] {
  return formats.find((one) => one.name === choice.format)?.options ?? [];
}

const LABEL = /^\s*\d+\s*:\s*[^\s:][^,]*$/;

/** Whether a value means nothing, as the server would say too: the key of the words for it. */
export function lackOf(option: FormatOption, value: string): "share" | "labels" | null {
  if (!value.trim()) return null;
  if (option.kind === "share") return Number(value) > 0 && Number(value) <= 1 ? null : "share";
  if (option.kind === "labels")
    return value.split(",").every((part) => !part.trim() || LABEL.test(part)) ? null : "labels";
  return null;
}

/** What goes to the server: only what differs from what is done anyway. */
export function readingsOptions(choice: ReadingsChoice, formats: ImportFormat[]): ImportOptions {
  if (!choice.format) return {};
  const set = optionsOf(choice, formats).flatMap(({ name, ...option }) => {
    const value = choice.values[name]?.trim() ?? "";
    return value && value !== option.default ? [[name, value] as const] : [];
  });
  return {
    readings_format: choice.format,
    ...(set.length ? { readings_options: Object.fromEntries(set) } : {}),
  };
}

/** Whether every value means something. */
export function isComplete(choice: ReadingsChoice, formats: ImportFormat[]): boolean {
  return optionsOf(choice, formats).every((option) => lackOf(option, choice.values[option.name] ?? "") === null);
}
