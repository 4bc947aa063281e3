/** The reading in hand with its whole history of undo, and what is selected in it. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Lesion } from "@/lib/api-types";
import type { ReadingDocument } from "./document";

const LONGEST_HISTORY = 500;

export interface ReadingState {
  doc: ReadingDocument;
  past: ReadingDocument[];
  future: ReadingDocument[];
  /** Edits with the same name in a row are one step of undo (typing a comment). */
  lastMerge: string | null;
  selected: string | null;
  /** The predicted lesion whose row is open. */
  focused: string | null;
  edit: (change: (doc: ReadingDocument) => ReadingDocument, merge?: string) => void;
  undo: () => void;
  redo: () => void;
  select: (lesion: string | null) => void;
  focus: (predicted: string | null) => void;
  /** Replace what is in hand by another version; the one that was in hand stays one undo away. */
  replace: (doc: ReadingDocument) => void;
  /** Begin anew, without history: the server's version of a reading that had no unsent change. */
  restart: (doc: ReadingDocument) => void;
}

export type ReadingStore = StoreApi<ReadingState>;

export function createReadingStore(first: ReadingDocument): ReadingStore {
  return createStore<ReadingState>((set) => ({
    doc: first,
    past: [],
    future: [],
    lastMerge: null,
    selected: null,
    focused: null,
    edit: (change, merge) =>
      set((state) => {
        const doc = change(state.doc);
        if (doc === state.doc) return state;
        const merged = merge !== undefined && merge === state.lastMerge;
        const past = merged ? state.past : [...state.past, state.doc].slice(-LONGEST_HISTORY);
        return { doc, past, future: [], lastMerge: merge ?? null, selected: stillThere(doc, state.selected) };
      }),
    undo: () =>
      set((state) => {
        const doc = state.past.at(-1);
        if (!doc) return state;
        const selected = stillThere(doc, state.selected);
        return {
          doc,
          past: state.past.slice(0, -1),
          future: [state.doc, ...state.future],
          lastMerge: null,
          selected,
        };
      }),
    redo: () =>
      set((state) => {
        const [doc, ...future] = state.future;
        if (!doc) return state;
        const selected = stillThere(doc, state.selected);
        return { doc, past: [...state.past, state.doc], future, lastMerge: null, selected };
      }),
    select: (selected) => set({ selected }),
    focus: (focused) => set({ focused }),
    replace: (doc) =>
      set((state) => ({ doc, past: [...state.past, state.doc], future: [], lastMerge: null, selected: null })),
    restart: (doc) => set({ doc, past: [], future: [], lastMerge: null, selected: null }),
  }));
}

function stillThere(doc: ReadingDocument, id: string | null): string | null {
  return doc.lesions.some((lesion) => lesion.id === id) ? id : null;
}

/** Findings without a decision, best score first: what stands between the reader and submitting. */
export function undecidedOf(findings: readonly Lesion[], doc: ReadingDocument): Lesion[] {
  return findings.filter((finding) => !doc.decisions[finding.id]);
}

export function byScore(findings: readonly Lesion[]): Lesion[] {
  return [...findings].sort((p, q) => (q.score ?? 0) - (p.score ?? 0));
}
