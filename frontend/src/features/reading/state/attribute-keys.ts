/** Attributes by key: one is in hand at a time, a key chooses its value, and the next one comes. */
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

/**
 * The key of each value: 1 to 9 and 0 for the tenth by their places. Categories that begin with a number have that
 * number, and 4A, 4B, 4C their letters: a 5 that meant 4B would be a wrong category. Null where a key is taken.
 */
export function keysOfValues({ values }: Attribute): (string | null)[] {
  const numbered = values.every((value) => /^\d(?!\d)/.test(value));
  const byPlace = values.map((_, index) => (index < 10 ? String((index + 1) % 10) : null));
  const keys = numbered ? values.map((value) => keyOfCategory(value, values)) : byPlace;
  return keys.map((key, index) => (keys.indexOf(key) === index ? key : null));
}

function keyOfCategory(value: string, values: readonly string[]): string | null {
  const alone = values.filter((other) => other[0] === value[0]).length === 1;
  return alone ? (value[0] ?? null) : (/^\d([A-Z])/.exec(value)?.[1] ?? null);
}

/** The value that a pressed key stands for. */
export function valueOfKey(attribute: Attribute, pressed: string): string | undefined {
  const index = keysOfValues(attribute).indexOf(pressed);
  return index < 0 ? undefined : attribute.values[index];
}
