/** Sends what dead tabs left for other readings; what the server does not take waits until its case is opened. */
import { answerForTab, type Journal, type JournalEntry, livingTabs } from "./journal";
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
  /** Aborted, it begins with no further entry. */
  signal?: AbortSignal;
}

/** Returns the entries that are still unsent. */
export async function sendLeftovers(options: Options): Promise<JournalEntry[]> {
  // A room that opens meanwhile does not ask for this name: it takes over what it finds, and both send the same.
  const stop = answerForTab(sending(options.tab));
  try {
    return await sendAll(options);
  } finally {
    stop();
  }
}

const sending = (tab: string) => `sending ${tab}`;

/** What nobody has in hand: no living tab, no room in which its case is open, nobody who is just sending it. */
async function entriesOfNobody({ user, except, journal }: Options): Promise<JournalEntry[]> {
  const entries = (await journal.entriesOf(user)).filter((entry) => entry.reading !== except);
  const namesOf = ({ tab, reading }: JournalEntry) => [tab, reading, sending(tab)];
  const living = await livingTabs([...new Set(entries.flatMap(namesOf))]);
  return entries
    .filter((entry) => !namesOf(entry).some((name) => living.has(name)))
    .sort((p, q) => q.touched - p.touched);
}

async function sendAll(options: Options): Promise<JournalEntry[]> {
  const { tab, journal, transportOf, newId, signal } = options;
  const unsent: JournalEntry[] = [];
  for (const left of await entriesOfNobody(options)) {
    const transport = transportOf(left.slug, left.caseId);
    const current = signal?.aborted ? null : await transport.current();
    if (current?.kind !== "ok" || signal?.aborted) {
      unsent.push(left);
      continue;
    }
    // A device that has no room to move it: it stays where it is until the server has it.
    const entry = await journal.claim(left, tab).catch(() => left);
    if (!entry) continue;
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
