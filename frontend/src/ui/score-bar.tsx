import { decimal } from "@/lib/format";

/** A score between 0 and 1 as a 44 px bar with its number. */
export function ScoreBar({ score }: { score: number }) {
  return (
    <span className="row" style={{ gap: 8 }}>
      <span className="score" aria-hidden="true">
        <i style={{ width: `${Math.max(0, Math.min(1, score)) * 100}%` }} />
      </span>
      <span className="num" style={{ width: 28 }}>
        {decimal(score)}
      </span>
    </span>
  );
}
