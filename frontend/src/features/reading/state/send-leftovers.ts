/** Sends what dead tabs left for other readings; what the server does not take waits until its case is opened. */
import { type Journal, type JournalEntry, leftoversOf } from "./journal";
import { SaveQueue, type Transport } from "./save-queue";
import { SlicesRead } from "./slices-read";

interface Options {
  user: string;
  /** The reading in hand, whose own leftovers are its own queue's business. */
  except: string | null;
  tab: string;
  journal: Journal;
  transportOf: (slug: string, caseId: string) => Transport;
  newId: () => string;
}

/** Returns the entries that are still unsent. */
export async function sendLeftovers(options: Options): Promise<JournalEntry[]> {
  const { user, except, tab, journal, transportOf, newId } = options;
  const entries = (await leftoversOf(user, journal)).filter((entry) => entry.reading !== except);
  const unsent: JournalEntry[] = [];
  for (const entry of entries) {
    const transport = transportOf(entry.slug, entry.caseId);
    const current = await transport.current();
    if (current.kind !== "ok") {
      unsent.push(entry);
      continue;
    }
    let isTaken = true;
    const queue = new SaveQueue({
      ...entry,
      tab,
      transport,
      journal,
      newId,
      blobOf: (digest) => entry.blobs[digest] ?? null,
      activeSeconds: () => entry.activeSeconds,
      slices: SlicesRead.of(current.reading, Boolean(entry.slicesRead)),
      onNotTaken: () => {
        isTaken = false;
      },
    });
    await queue.restore(entry, current.reading);
    if (!queue.isClean || queue.isSubmitKept || !isTaken) unsent.push(entry);
    queue.close();
  }
  return unsent;
}
