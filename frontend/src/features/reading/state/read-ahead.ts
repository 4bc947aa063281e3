/** Fetches the images of the coming cases once those of the open one are here. */
import { frameMemory } from "@/lib/imaging/frame-memory";
import { registerHeaders } from "@/lib/imaging/frames";
import { readRoom } from "../api/reading-api";

/** A long series is begun only: its middle is shown first. */
const MOST_FRAMES = 40;
const AT_ONCE = 3;

export function readAhead(slug: string, cases: { id: string }[], onLoaded: (count: number) => void): () => void {
  let stopped = false;
  const controller = new AbortController();
  const run = async () => {
    for (const [i, { id }] of cases.entries()) {
      const room = await readRoom(slug, id);
      if (stopped) return;
      const frames = await registerHeaders(room.series, { signal: controller.signal });
      const waiting = fromTheMiddle(frames).slice(0, MOST_FRAMES);
      const load = async () => {
        for (let next = waiting.shift(); next && !stopped; next = waiting.shift())
          await frameMemory.load(next.imageId);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, load));
      if (!stopped) onLoaded(i + 1);
    }
  };
  // Nothing depends on it: what could not be read ahead is loaded when its case is opened, and fails there by name.
  run().catch(() => undefined);
  return () => {
    stopped = true;
    controller.abort();
  };
}

/** The middle one first, then its neighbours on both sides: in this order they are looked at. */
export function fromTheMiddle<T>(items: readonly T[]): T[] {
  const middle = Math.floor((items.length - 1) / 2);
  const distance = (index: number) => Math.abs(index - middle);
  return items
    .map((item, index) => ({ item, index }))
    .sort((p, q) => distance(p.index) - distance(q.index))
    .map(({ item }) => item);
}
