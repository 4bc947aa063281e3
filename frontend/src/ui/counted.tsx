import { count } from "@/lib/format";

/** A word, and after it in a quieter tone how many there are, once that is known. */
export function Counted({ word, n }: { word: string; n: number | undefined }) {
  return (
    <>
      {word}{" "}
      {n === undefined ? null : (
        <span className="num q" style={{ fontWeight: 400 }}>
          {count(n)}
        </span>
      )}
    </>
  );
}
