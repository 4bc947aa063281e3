/** The upload under way. It outlives the page: one may read the worklist while files travel. */
import { create } from "zustand";
import { createImport, filesToUpload, putPiece, startImport } from "@/features/imports/api/imports";
import { inParallel, uploadFile } from "@/features/imports/upload";
import type { ImportOptions } from "@/lib/api-types";
import type { NamedFile } from "@/lib/dropped-files";
import { queryClient } from "@/lib/query-client";

const WIDTH = 3;

export type UploadPhase = "idle" | "preparing" | "sending" | "paused" | "failed";

interface UploadState {
  phase: UploadPhase;
  slug: string;
  run: string | null;
  files: NamedFile[];
  bytes: number;
  sent: number;
  doneFiles: number;
  doneAtStart: number;
  startedAt: number;
  sentAtStart: number;
  error: unknown;
  begin: (slug: string, files: NamedFile[], options: ImportOptions) => Promise<void>;
  /** Go on with a run of which the server holds a part; `files` are the same files chosen again. */
  resume: (slug: string, run: string, files: NamedFile[]) => Promise<void>;
  pause: () => void;
  /** Leave a stopped upload: its run stays on the server, incomplete. */
  leave: () => void;
}

const NOTHING = {
  phase: "idle" as UploadPhase,
  run: null,
  files: [] as NamedFile[],
  bytes: 0,
  sent: 0,
  doneFiles: 0,
  doneAtStart: 0,
  startedAt: 0,
  sentAtStart: 0,
  error: null as unknown,
};

let stop = new AbortController();

export const useUpload = create<UploadState>()((set, get) => {
  const send = async (slug: string, run: string, files: NamedFile[]) => {
    stop = new AbortController();
    const { signal } = stop;
    const bytes = files.reduce((total, one) => total + one.file.size, 0);
    set({ phase: "preparing", slug, run, files, bytes, error: null });
    try {
      const byName = new Map(files.map((one) => [one.name, one.file]));
      const waiting = (await filesToUpload(slug, run)).flatMap((item) => {
        const file = byName.get(item.name);
        return file && file.size === item.size ? [{ item, file }] : [];
      });
      const left = waiting.reduce((total, { item, file }) => total + file.size - item.received, 0);
      set({
        phase: "sending",
        sent: bytes - left,
        sentAtStart: bytes - left,
        doneFiles: files.length - waiting.length,
        doneAtStart: files.length - waiting.length,
        startedAt: Date.now(),
      });
      await inParallel(waiting, WIDTH, async ({ item, file }) => {
        let known = item.received;
        await uploadFile(file, item.received, {
          signal,
          put: (offset, piece, aborted) => putPiece(slug, run, item.id, offset, piece, aborted),
          onReceived: (received) => {
            const more = received - known;
            known = received;
            set((now) => ({ sent: now.sent + more }));
          },
        });
        set((now) => ({ doneFiles: now.doneFiles + 1 }));
      });
      await startImport(slug, run);
      set(NOTHING);
    } catch (error) {
      const paused = signal.aborted;
      stop.abort();
      set(paused ? { phase: "paused" } : { phase: "failed", error });
    }
    await queryClient.invalidateQueries({ queryKey: ["imports", slug] });
  };

  return {
    ...NOTHING,
    slug: "",
    begin: async (slug, files, options) => {
      set({ ...NOTHING, phase: "preparing", slug, files });
      try {
        const sizes = files.map(({ name, file }) => ({ name, size: file.size }));
        const run = await createImport(slug, sizes, options);
        await send(slug, run.id, files);
      } catch (error) {
        set({ phase: "failed", error });
      }
    },
    resume: send,
    pause: () => {
      if (get().phase === "sending") stop.abort();
    },
    leave: () => {
      stop.abort();
      set(NOTHING);
    },
  };
});

// Closing the tab breaks an upload off: the browser asks first.
window.addEventListener("beforeunload", (event) => {
  if (useUpload.getState().phase === "sending") event.preventDefault();
});
