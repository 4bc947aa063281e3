/** What the chosen files look like: folders that may hold masks, tables that may hold boxes or image labels. */
import type { NamedFile } from "@/lib/dropped-files";

export interface LabelCandidates {
  folders: { path: string; files: number }[];
  tables: string[];
  /** The folder whose name says that it holds masks. */
  masks: string | null;
  boxes: string | null;
  labels: string | null;
}

const TABLE = /\.(csv|tsv)$/i;

export function labelCandidates(files: Pick<NamedFile, "name">[]): LabelCandidates {
  const folders = new Map<string, number>();
  const tables: string[] = [];
  for (const { name } of files) {
    if (TABLE.test(name)) {
      tables.push(name);
      continue;
    }
    const cut = name.lastIndexOf("/");
    if (cut > 0) folders.set(name.slice(0, cut), (folders.get(name.slice(0, cut)) ?? 0) + 1);
  }
  const known = [...folders]
    .map(([path, count]) => ({ path, files: count }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const last = (path: string) => path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return {
    folders: known,
    tables: tables.sort(),
    masks: known.find(({ path }) => last(path).includes("mask"))?.path ?? null,
    boxes: tables.find((name) => last(name).includes("box")) ?? null,
    labels: tables.find((name) => last(name).includes("label")) ?? null,
  };
}
