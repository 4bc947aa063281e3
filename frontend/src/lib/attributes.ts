/** Attributes of a lesion: what a value must be like, and which are still to be said. */
import type { Attribute } from "@/lib/api-types";

/** An attribute that is one of several values. */
export function choice(name: string, values: string[]): Attribute {
  return { name, values, number: null, required: false };
}

const NUMBER = /^-?\d{1,9}(\.\d{1,6})?$/;

/** Whether a lesion may say this value; the server's rule (backend/projects/attributes.py). */
export function takes({ values, number }: Attribute, value: string): boolean {
  if (!number) return values.includes(value);
  if (!NUMBER.test(value)) return false;
  const { least, most } = number;
  return (least === null || Number(value) >= least) && (most === null || Number(value) <= most);
}

/** What was typed as the number that is stored: a comma is a decimal point; null where it is none within the limits. */
export function typedNumber(attribute: Attribute, typed: string): string | null {
  const plain = typed
    .trim()
    .replace(",", ".")
    .replace("\u2212", "-")
    .replace(/^(-?)\./, "$10.")
    .replace(/\.$/, "");
  return takes(attribute, plain) ? plain : null;
}

/** The first required attribute that says nothing yet. */
export function unsaid(
  attributes: readonly Attribute[],
  said: Readonly<Record<string, string>>,
): Attribute | undefined {
  return attributes.find(({ name, required }) => required && !said[name]);
}
