/** Fetches the images of the coming cases once those of the open one are here. */
import { imageLoader } from "@cornerstonejs/core";
import { registerHeaders } from "@/lib/cornerstone/frames";
import { readRoom } from "../api/reading-api";

/** A long series is begun only: its middle is shown first. */
const MOST_FRAMES = 40;

export function readAhead(slug: string, cases: { id: string }[], onLoaded: (count: number) => void): () => void {
  let stopped = false;
  const controller = new AbortController();
  const run = async () => {
    for (const [i, { id }] of cases.entries()) {
      const room = await readRoom(slug, id);
      if (stopped) return;
      const frames = await registerHeaders(room.series, controller.signal);
      const first = Math.max(0, Math.floor((frames.length - MOST_FRAMES) / 2));
      for (const { imageId } of frames.slice(first, first + MOST_FRAMES)) {
        if (stopped) return;
        await imageLoader.loadAndCacheImage(imageId, { requestType: "prefetch", priority: 5 });
      }
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
