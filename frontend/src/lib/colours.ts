/** Colours of finding types: the palette in its order, how far apart two are, and how the colour-blind see them. */

/** Given out in this order; the smallest difference of any two is 30, and 24 under simulated colour blindness. */
export const PALETTE = [
  "#eaaa1c",
  "#6c88fe",
  "#bcffb9",
  "#b97cc2",
  "#d2692a",
  "#91ae7a",
  "#e3cc6f",
  "#f2f2f2",
] as const;
export const ACCENT = "#62b0f5";
/** Nearer than this (CIE76), one colour is taken for the other. */
export const LEAST_DIFFERENCE = 20;

export type Vision = "normal" | "deutan" | "protan" | "tritan";
export const VISIONS: Vision[] = ["normal", "deutan", "protan", "tritan"];
type Triple = [number, number, number];

/** Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB. */
const SIMULATION: Record<Exclude<Vision, "normal">, [Triple, Triple, Triple]> = {
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** The colour as a person with this vision sees it. */
export function seenAs(colour: string, vision: Vision): string {
  if (vision === "normal") return colour;
  const linear = linearOf(colour);
  const seen = SIMULATION[vision].map((row) => row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]);
  return `#${seen.map(byteOf).join("")}`;
}

/** CIE76: the distance of two colours in CIELAB (D65). */
export function colourDifference(one: string, other: string): number {
  const [a, b] = [labOf(one), labOf(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The palette's first colour that is not taken; when all are, they repeat in their order. */
export function nextColour(taken: readonly string[]): string {
  return PALETTE.find((colour) => !taken.includes(colour)) ?? PALETTE[taken.length % PALETTE.length] ?? PALETTE[0];
}

/** Pairs that would be confused, and types that look like the accent. The palette may repeat once it is used up. */
export function confusions(colours: readonly string[]): { one: number; other: number | "accent" }[] {
  const found: { one: number; other: number | "accent" }[] = [];
  const isUsedUp = PALETTE.every((colour) => colours.includes(colour));
  const mayRepeat = (colour: string) => isUsedUp && PALETTE.some((known) => known === colour);
  colours.forEach((colour, one) => {
    if (colourDifference(colour, ACCENT) < LEAST_DIFFERENCE) found.push({ one, other: "accent" });
    for (let other = one + 1; other < colours.length; other += 1) {
      const second = colours[other];
      if (second === undefined || (mayRepeat(colour) && mayRepeat(second))) continue;
      if (colourDifference(colour, second) < LEAST_DIFFERENCE) found.push({ one, other });
    }
  });
  return found;
}

function channels(colour: string): Triple {
  const at = (from: number) => Number.parseInt(colour.slice(from, from + 2), 16) / 255;
  return [at(1), at(3), at(5)];
}

function linearOf(colour: string): Triple {
  const [r, g, b] = channels(colour);
  const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return [linear(r), linear(g), linear(b)];
}

function byteOf(value: number): string {
  const clipped = Math.min(1, Math.max(0, value));
  const encoded = clipped <= 0.0031308 ? clipped * 12.92 : 1.055 * clipped ** (1 / 2.4) - 0.055;
  return Math.round(encoded * 255)
    .toString(16)
    .padStart(2, "0");
}

function labOf(colour: string): Triple {
  const [r, g, b] = linearOf(colour);
  const root = (value: number) =>
    value > (6 / 29) ** 3 ? Math.cbrt(value) : value / (3 * (6 / 29) ** 2) + 4 / 29;
  const x = root((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = root(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = root((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
