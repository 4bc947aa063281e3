/** What the chosen files look like: folders that may hold masks, tables that may hold boxes or image labels. */
import type { NamedFile } from "@/lib/dropped-files";

export interface LabelCandidates {
  folders: string[];
  tables: string[];
  hasZip: boolean;
  /** Whether there are volumes, or may be: what a zip holds is not known here. */
  hasVolumes: boolean;
  /** The folder whose name says that it holds masks; volumes that are masks need no naming. */
  masks: string | null;
  boxes: string | null;
  labels: string | null;
  /** The table whose name says that it holds indications or reports. */
  context: string | null;
}

const TABLE = /\.(csv|tsv)$/i;
const ZIP = /\.zip$/i;
const VOLUME = /\.(nii|nii\.gz|nrrd|nhdr|mha|mhd)$/i;
const lastPart = (path: string) => path.slice(path.lastIndexOf("/") + 1).toLowerCase();

export function labelCandidates(files: Pick<NamedFile, "name">[]): LabelCandidates {
  const folders = new Set<string>();
  const tables: string[] = [];
  const volumes = new Set<string>();
  for (const { name } of files) {
    const cut = name.lastIndexOf("/");
    if (TABLE.test(name)) tables.push(name);
    else if (cut > 0) folders.add(name.slice(0, cut));
    if (VOLUME.test(name)) volumes.add(name.slice(0, Math.max(cut, 0)));
  }
  const known = [...folders].sort();
  tables.sort();
  const hasZip = files.some(({ name }) => ZIP.test(name));
  return {
    folders: known,
    tables,
    hasZip,
    hasVolumes: hasZip || volumes.size > 0,
    masks: known.find((path) => lastPart(path).includes("mask") && !volumes.has(path)) ?? null,
    boxes: tables.find((name) => lastPart(name).includes("box")) ?? null,
    labels: tables.find((name) => lastPart(name).includes("label")) ?? null,
    context: tables.find((name) => /context|report|indication/.test(lastPart(name))) ?? null,
  };
}
