import type { Round, RoundRow } from "@/lib/api-types";

/**
 * The history with its newest round as it was polled last. The history is asked for every ten seconds and the live
 * round each second: without this the same round would be in two states on one page.
 */
export function roundsNow(rounds: RoundRow[], polled: Round | undefined): RoundRow[] {
  return rounds.map((row) =>
    row.number === polled?.number
      ? {
          ...row,
          state: polled.state,
          message: polled.message,
          finished_at: polled.finished_at,
          model_version: polled.model_version,
          n_labels: row.n_labels ?? polled.n_labels,
          progress: polled.progress,
        }
      : row,
  );
}
