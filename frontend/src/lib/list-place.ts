/**
 * Where a person stands in a project's list of cases, kept for as long as the tab lives: who comes back from a case
 * comes back there, to the same list at the same row.
 */

export interface ListPlace {
  /** Path and search of the list, which say what it shows. */
  address: string;
  /** The row pointed at: its index, and its case once known. */
  at: number;
  id: string | null;
  /** How far the list is scrolled, in pixels. */
  top: number;
}

const keyOf = (user: string, slug: string) => `overread.list.${user}.${slug}`;

export function keepPlace(user: string, slug: string, place: ListPlace): void {
  try {
    window.sessionStorage.setItem(keyOf(user, slug), JSON.stringify(place));
  } catch {
    // A full or forbidden store costs the place, nothing else.
  }
}

export function keptPlace(user: string, slug: string): ListPlace | null {
  try {
    const place: unknown = JSON.parse(window.sessionStorage.getItem(keyOf(user, slug)) ?? "null");
    return isPlace(place) ? place : null;
  } catch {
    return null;
  }
}

/** The list that was left last, else the worklist. */
export function listAddress(user: string, slug: string): string {
  return keptPlace(user, slug)?.address ?? `/p/${slug}/worklist`;
}

function isPlace(value: unknown): value is ListPlace {
  if (typeof value !== "object" || value === null) return false;
  const { address, at, id, top } = value as Record<string, unknown>;
  return (
    typeof address === "string" &&
    address.startsWith("/p/") &&
    typeof at === "number" &&
    typeof top === "number" &&
    (id === null || typeof id === "string")
  );
}
