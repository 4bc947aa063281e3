/** The cases that were open in this tab, in order: the way back of `P`. */

const LONGEST = 200;
const keyOf = (slug: string) => `overread.trail.${slug}`;

function read(slug: string): string[] {
  const stored: unknown = JSON.parse(sessionStorage.getItem(keyOf(slug)) ?? "[]");
  return Array.isArray(stored) ? stored.filter((id) => typeof id === "string") : [];
}

/** The case was opened: it goes to the end unless one came back to it. */
export function noteCase(slug: string, caseId: string): void {
  const trail = read(slug);
  if (trail.includes(caseId)) return;
  sessionStorage.setItem(keyOf(slug), JSON.stringify([...trail, caseId].slice(-LONGEST)));
}

export function caseBefore(slug: string, caseId: string): string | null {
  const trail = read(slug);
  const at = trail.indexOf(caseId);
  return at > 0 ? (trail[at - 1] ?? null) : null;
}
