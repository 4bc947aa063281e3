/**
 * Unsent work, kept in IndexedDB until the server has it: one entry per reading and tab, under the user's name.
 *
 * A tab that died leaves its entries behind; the next tab of the same user takes them over once nobody answers for
 * the dead tab on the broadcast channel. Signing out purges everything of that user.
 */
import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from "idb";
import type { ReadingDocument } from "./document";
import type { SaveBody } from "./save-queue";
import type { SliceRange } from "./slices-read";

export interface Flight {
  revision_id: string;
  etag: string;
  body: SaveBody;
  doc: ReadingDocument;
}

export interface JournalEntry {
  key: string;
  user: string;
  slug: string;
  caseId: string;
  caseName: string;
  reading: string;
  tab: string;
  etag: string;
  base: ReadingDocument;
  doc: ReadingDocument;
  /** Sent, its answer not seen: it is sent again with the same revision id. */
  flight: Flight | null;
  blobs: Record<string, Uint8Array<ArrayBuffer>>;
  submit: boolean;
  activeSeconds: number;
  /** Absent from the entry of an older page, which recorded none. */
  slicesRead?: SliceRange[] | null;
  touched: number;
}

interface Schema extends DBSchema {
  entries: { key: string; value: JournalEntry; indexes: { user: string } };
}

const DATABASE = "overread-journal";
const CHANNEL = "overread-tabs";

export interface Journal {
  put: (entry: JournalEntry) => Promise<void>;
  remove: (key: string) => Promise<void>;
  /** Make an entry a tab's own; null where it is gone, so of two tabs that want it one has it. */
  claim: (entry: JournalEntry, tab: string) => Promise<JournalEntry | null>;
  entriesOf: (user: string) => Promise<JournalEntry[]>;
  purge: (user: string) => Promise<void>;
}

let opening: Promise<IDBPDatabase<Schema>> | null = null;

function database(): Promise<IDBPDatabase<Schema>> {
  opening ??= openDB<Schema>(DATABASE, 1, {
    upgrade: (db) => {
      db.createObjectStore("entries", { keyPath: "key" }).createIndex("user", "user");
    },
    // Another page wants to delete the database (sign-out): do not stand in its way.
    blocking: (_current, _blocked, event) => {
      (event.target as IDBDatabase).close();
      opening = null;
    },
  });
  return opening;
}

type Entries = IDBPObjectStore<Schema, ["entries"], "entries", "readwrite">;

async function change(what: (entries: Entries) => Promise<unknown>[]): Promise<void> {
  const writing = (await database()).transaction("entries", "readwrite");
  for (const one of what(writing.store)) void one.catch(() => undefined); // `done` tells of it.
  // Without this the browser waits for this page to take the answer, and a page that dies before has changed nothing:
  // what was marked last would be lost, and what was taken back would return.
  writing.commit();
  await writing.done;
}

export const journal: Journal = {
  put: (entry) => change((entries) => [entries.put(entry)]),
  remove: (key) => change((entries) => [entries.delete(key)]),
  claim: async (entry, tab) => {
    const key = entryKey(entry.user, entry.reading, tab);
    const writing = (await database()).transaction("entries", "readwrite");
    const known = await writing.store.get(entry.key);
    if (known) {
      const moved = [writing.store.delete(entry.key), writing.store.put({ ...known, key, tab })];
      for (const one of moved) void (one as Promise<unknown>).catch(() => undefined); // `done` tells of it.
    }
    await writing.done;
    return known ? { ...entry, key, tab } : null;
  },
  entriesOf: async (user) =>
    (await (await database()).getAllFromIndex("entries", "user", user)).map((entry) => ({
      ...entry,
      base: asOfToday(entry.base),
      doc: asOfToday(entry.doc),
    })),
  purge: async (user) => {
    const keys = await (await database()).getAllKeysFromIndex("entries", "user", user);
    if (keys.length > 0) await change((entries) => keys.map((key) => entries.delete(key)));
  },
};

/** An entry may have been written by an older page that knew no measurements. */
function asOfToday(doc: ReadingDocument): ReadingDocument {
  const lesions = doc.lesions.map((lesion) => ({ ...lesion, drawn_as: lesion.drawn_as ?? null }));
  return { ...doc, lesions, measurements: doc.measurements ?? [] };
}

export const entryKey = (user: string, reading: string, tab: string) => `${user}|${reading}|${tab}`;

/** Answer for this tab when another asks whether it lives; returns what ends that. */
export function answerForTab(tab: string): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    if (data?.ask === tab) channel.postMessage({ alive: tab });
  };
  return () => channel.close();
}

const PATIENCE_MS = 300;

/** Which of these tabs still live. */
export async function livingTabs(tabs: string[]): Promise<Set<string>> {
  const living = new Set<string>();
  if (tabs.length === 0) return living;
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    if (typeof data?.alive === "string") living.add(data.alive);
  };
  for (const tab of tabs) channel.postMessage({ ask: tab });
  await new Promise((done) => setTimeout(done, PATIENCE_MS));
  channel.close();
  return living;
}

/** What dead tabs of this user left unsent, the newest first. */
export async function leftoversOf(user: string, from: Journal = journal): Promise<JournalEntry[]> {
  const entries = await from.entriesOf(user);
  const living = await livingTabs([...new Set(entries.map((entry) => entry.tab))]);
  return entries.filter((entry) => !living.has(entry.tab)).sort((p, q) => q.touched - p.touched);
}
