/** Colours of the pictures: grey for maps, inferno for saliency, dark to bright through grey for weights. */
type Colour = [number, number, number];

/** Inferno (van der Walt and Smith, CC0) at eight places. */
export const INFERNO = ["#000004", "#280b54", "#65156e", "#9f2a63", "#d44842", "#f57d15", "#fac127", "#fcffa4"];

const channel = (hex: string, at: number) => Number.parseInt(hex.slice(1 + 2 * at, 3 + 2 * at), 16);
const stops: Colour[] = INFERNO.map((hex) => [channel(hex, 0), channel(hex, 1), channel(hex, 2)]);

/** The colour of a share of the highest saliency. */
export function inferno(share: number): Colour {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(place));
  const [from, to] = [stops[below] ?? [0, 0, 0], stops[below + 1] ?? [0, 0, 0]];
  return [0, 1, 2].map((at) => {
    const low = from[at] ?? 0;
    return Math.round(low + ((to[at] ?? 0) - low) * (place - below));
  }) as Colour;
}

/** The grey of a weight: 128 is 0, white the largest size among `largest`, black the same below zero. */
export function weightGrey(weight: number, largest: number): number {
  return largest > 0 ? Math.round(127.5 + 127.5 * Math.max(-1, Math.min(1, weight / largest))) : 128;
}
