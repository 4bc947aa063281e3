/** Which column of a labels table means what, as the server reads it: `age=Patient Age,"view=View, position"`. */

/** What a column of a labels table may mean, in the order in which it is asked. */
export const MEANINGS = [
  "file",
  "finding",
  "value",
  "patient",
  "group",
  "age",
  "sex",
  "view",
  "site",
  "scanner",
] as const;
export type Meaning = (typeof MEANINGS)[number];
export type Columns = Partial<Record<Meaning, string>>;

/** So many bytes of a table are read for its first line. */
export const HEAD_BYTES = 65_536;

/** The columns that a table's first line names (RFC 4180: a name with a comma stands in quotes). */
export function columnsOf(head: string): string[] {
  const names: string[] = [];
  const line = head.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0] ?? "";
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))/g)) {
    names.push((quoted?.replaceAll('""', '"') ?? plain ?? "").trim());
  }
  // A quote in a name cannot be told on; no table that anybody has shown has one.
  return [...new Set(names)].filter((name) => name && !name.includes('"'));
}

/** The chosen columns in one line; empty where each is left to its usual name. */
export function mappingOf(columns: Columns): string {
  return MEANINGS.filter((meaning) => columns[meaning])
    .map((meaning) => `${meaning}=${columns[meaning]}`)
    .map((piece) => (piece.includes(",") ? `"${piece}"` : piece))
    .join(",");
}
