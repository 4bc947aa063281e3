/**
 * Files that were dropped or chosen, with their path inside the dropped folder. Kept here between two pages: the
 * empty worklist takes a drop, the import page uploads it.
 */
export interface NamedFile {
  name: string;
  file: File;
}

let waiting: NamedFile[] = [];

export function keepFiles(files: NamedFile[]): void {
  waiting = files;
}

export function takeFiles(): NamedFile[] {
  const files = waiting;
  waiting = [];
  return files;
}

/** All files of a drop; folders are walked. Must be called within the drop event: its items vanish afterwards. */
export async function filesOfDrop(drop: DataTransfer): Promise<NamedFile[]> {
  const entries: FileSystemEntry[] = [];
  for (const item of drop.items) {
    const entry = item.webkitGetAsEntry();
    if (entry) entries.push(entry);
  }
  if (entries.length === 0) return Array.from(drop.files, (file) => ({ name: file.name, file }));
  const found = await Promise.all(entries.map((entry) => walk(entry)));
  return found.flat();
}

/** The files of an input element; a chosen folder brings relative paths. */
export function filesOfInput(files: FileList): NamedFile[] {
  return Array.from(files, (file) => ({ name: file.webkitRelativePath || file.name, file }));
}

async function walk(entry: FileSystemEntry): Promise<NamedFile[]> {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [{ name: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: NamedFile[] = [];
  // A folder is read in batches of at most 100 until an empty one.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (batch.length === 0) return found;
    for (const child of batch) found.push(...(await walk(child)));
  }
}
