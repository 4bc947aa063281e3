/** Decodes the image that is shown first while the room is still being drawn: another core has time for it. */
import type { Room } from "@/lib/api-types";
import { frameMemory } from "@/lib/imaging/frame-memory";
import { registerHeaders } from "@/lib/imaging/frames";
import { firstFrameOf, headersBegun } from "./opening";

export async function decodeFirstImage(room: Room): Promise<void> {
  const frames = await registerHeaders(room.series, { begun: () => headersBegun(room) });
  const first = firstFrameOf(room);
  const shown = frames.find(({ sop, frame }) => sop === first?.sop && frame === first.frame);
  if (shown) await frameMemory.load(shown.imageId);
}
