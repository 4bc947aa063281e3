/** What a person chose of readings of other programs among the files: the format and its options, as the server takes them. */
import type { FormatOption, ImportFormat, ImportOptions } from "@/lib/api-types";
import { areMeant, setOptions } from "@/lib/format-options";

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

/** What goes to the server: only what differs from what is done anyway. */
export function readingsOptions(choice: ReadingsChoice, formats: ImportFormat[]): ImportOptions {
  if (!choice.format) return {};
  const set = setOptions(optionsOf(choice, formats), choice.values);
  return { readings_format: choice.format, ...(Object.keys(set).length ? { readings_options: set } : {}) };
}

/** Whether every value means something. */
export function isComplete(choice: ReadingsChoice, formats: ImportFormat[]): boolean {
  return areMeant(optionsOf(choice, formats), choice.values);
}
