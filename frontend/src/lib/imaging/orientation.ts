/** The letters at the edges of a view: A, P, L, R, H, F, or two where the plane is oblique. */
import type { Affine, Point3 } from "./coordinates";
import type { FramePlacement } from "./frames";

export interface EdgeLetters {
  top: string;
  right: string;
  bottom: string;
  left: string;
}

const POSITIVE = ["L", "P", "H"];
const NEGATIVE = ["R", "A", "F"];
const OPPOSITE: Record<string, string> = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };
const OBLIQUE = 0.35;

/** null where the header does not tell how the image lies. */
export function edgeLetters(placement: FramePlacement, to: Affine): EdgeLetters | null {
  // Image directions of canvas right and down: the rows of the inverse, up to scale.
  const det = to.a * to.d - to.b * to.c;
  const right: [number, number] = [to.d / det, -to.b / det];
  const down: [number, number] = [-to.c / det, to.a / det];
  const { alongRow, downColumn, letters } = placement;
  if (alongRow && downColumn) {
    const name = ([i, j]: [number, number]) =>
      lettersOf(
        [0, 1, 2].map((axis) => i * (alongRow[axis] as number) + j * (downColumn[axis] as number)) as Point3,
      );
    return edges(name(right), name(down));
  }
  if (letters) {
    const name = ([i, j]: [number, number]) => {
      const [along, sign] = Math.abs(i) >= Math.abs(j) ? [letters[0], i] : [letters[1], j];
      return sign >= 0 ? along : opposite(along);
    };
    return edges(name(right), name(down));
  }
  return null;
}

function edges(right: string, bottom: string): EdgeLetters {
  return { right, left: opposite(right), bottom, top: opposite(bottom) };
}

function opposite(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? letter).join("");
}

/** The main direction first, a second one where it takes a good share. */
export function lettersOf(direction: Point3): string {
  const length = Math.hypot(...direction) || 1;
  return direction
    .map((part, axis) => ({
      share: Math.abs(part) / length,
      letter: (part > 0 ? POSITIVE : NEGATIVE)[axis] as string,
    }))
    .filter(({ share }, _, all) => share === Math.max(...all.map((one) => one.share)) || share > OBLIQUE)
    .sort((p, q) => q.share - p.share)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join("");
}
