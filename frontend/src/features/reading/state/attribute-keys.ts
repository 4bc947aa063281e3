/** Attributes by key: one is in hand at a time, a digit chooses its value, and the next one comes. */
import type { Attribute } from "@/lib/api-types";

/** The first attribute that says nothing yet when none is in hand, else the next; null after the last. */
export function nextAttribute(
  attributes: readonly Attribute[],
  said: Readonly<Record<string, string>>,
  inHand: string | null,
): string | null {
  if (inHand === null) return (attributes.find(({ name }) => !said[name]) ?? attributes[0])?.name ?? null;
  return attributes[attributes.findIndex(({ name }) => name === inHand) + 1]?.name ?? null;
}

/** The value that a digit stands for: 1 to 9, and 0 for the tenth. */
export function valueOfKey(attribute: Attribute | undefined, pressed: string): string | undefined {
  return /^\d$/.test(pressed) ? attribute?.values[(Number(pressed) + 9) % 10] : undefined;
}

/** The digit of a value by its place; none beyond the tenth. */
export function keyOfValue(index: number): string | null {
  return index < 10 ? String((index + 1) % 10) : null;
}
