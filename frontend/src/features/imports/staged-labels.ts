/** What the chosen files look like: folders that may hold masks, tables that may hold boxes or image labels. */
import type { NamedFile } from "@/lib/dropped-files";

export interface LabelCandidates {
  folders: string[];
  tables: string[];
  hasZip: boolean;
  /** The folder whose name says that it holds masks. */
  masks: string | null;
  boxes: string | null;
  labels: string | null;
  /** The table whose name says that it holds indications or reports. */
  context: string | null;
}

const TABLE = /\.(csv|tsv)$/i;
const ZIP = /\.zip$/i;
const lastPart = (path: string) => path.slice(path.lastIndexOf("/") + 1).toLowerCase();

export function labelCandidates(files: Pick<NamedFile, "name">[]): LabelCandidates {
  const folders = new Set<string>();
  const tables: string[] = [];
  for (const { name } of files) {
    const cut = name.lastIndexOf("/");
    if (TABLE.test(name)) tables.push(name);
    else if (cut > 0) folders.add(name.slice(0, cut));
  }
  const known = [...folders].sort();
  tables.sort();
  return {
    folders: known,
    tables,
    hasZip: files.some(({ name }) => ZIP.test(name)),
    masks: known.find((path) => lastPart(path).includes("mask")) ?? null,
    boxes: tables.find((name) => lastPart(name).includes("box")) ?? null,
    labels: tables.find((name) => lastPart(name).includes("label")) ?? null,
    context: tables.find((name) => /context|report|indication/.test(lastPart(name))) ?? null,
  };
}
