/** At which speed a multi-frame image was recorded, as its header tells. */
import { headerOf, numbersOf, TAG } from "./header";

const FASTEST = 120;

/** Frames a second; null where the header does not say. */
export function frameRateOf(imageId: string): number | null {
  const of = headerOf(imageId);
  if (!of) return null;
  const [recommended] = numbersOf(of, TAG.displayFrameRate);
  const [cine] = numbersOf(of, TAG.cineRate);
  const [milliseconds] = numbersOf(of, TAG.frameTime);
  const rate = recommended || cine || (milliseconds ? 1000 / milliseconds : 0);
  return rate > 0 ? Math.min(FASTEST, rate) : null;
}
