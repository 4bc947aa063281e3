import { lazy, Suspense, useEffect, useState } from "react";
import type { JournalEntry } from "@/features/reading/state/journal";

const LeftoverStrip = lazy(() =>
  import("@/features/reading/panels/leftover-strip").then((module) => ({ default: module.LeftoverStrip })),
);

/** Sends what readings have left on this device while no room is open here, and says what stays unsent. */
export function UnsentStrip({ user }: { user: string }) {
  const unsent = useUnsent(user);
  if (unsent.length === 0) return null;
  return (
    <Suspense fallback={null}>
      <LeftoverStrip entries={unsent} />
    </Suspense>
  );
}

const RETRIES_S = [15, 30, 60, 120, 300];

function useUnsent(user: string): JournalEntry[] {
  const [unsent, setUnsent] = useState<JournalEntry[]>([]);
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let tries = 0;
    let isBusy = false;
    /** Refused for good: the device no longer holds it, and it is said until the page is left. */
    let refused: JournalEntry[] = [];

    const send = async () => {
      const { journal } = await import("@/features/reading/state/journal");
      // A room that is being left may still send; what it cannot send is looked for again.
      if ((await journal.entriesOf(user)).length === 0) return false;
      const [{ sendLeftovers }, { transportOf }, { newId }] = await Promise.all([
        import("@/features/reading/state/send-leftovers"),
        import("@/features/reading/api/reading-api"),
        import("@/features/reading/state/new-id"),
      ]);
      if (gone.signal.aborted) return false;
      const { signal } = gone;
      const failed = await sendLeftovers({
        ...{ user, except: null, tab: newId(), journal, transportOf, newId, signal },
      });
      const held = new Set((await journal.entriesOf(user)).map((entry) => entry.reading));
      refused = [...refused, ...failed.filter((entry) => !held.has(entry.reading))];
      if (!signal.aborted) setUnsent([...failed.filter((entry) => held.has(entry.reading)), ...refused]);
      return held.size > 0;
    };
    const look = async () => {
      clearTimeout(timer);
      if (isBusy) return;
      isBusy = true;
      // Where the device's store does not answer or the code cannot be had, opening the case sends it.
      const isMore = await send().catch(() => false);
      isBusy = false;
      if (!isMore || gone.signal.aborted) return;
      const seconds = RETRIES_S[Math.min(tries, RETRIES_S.length - 1)] as number;
      tries += 1;
      timer = setTimeout(() => void look(), seconds * 1000);
    };
    const onOnline = () => {
      tries = 0;
      void look();
    };
    void look();
    window.addEventListener("online", onOnline);
    return () => {
      gone.abort();
      clearTimeout(timer);
      window.removeEventListener("online", onOnline);
    };
  }, [user]);
  return unsent;
}
