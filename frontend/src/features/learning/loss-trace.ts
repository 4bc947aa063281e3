import type { Round } from "@/lib/api-types";

type Trace = [step: number, loss: number][];

/**
 * The running mean of the training loss, apart for a first training and a second one that learned from unread images,
 * too: the loss starts anew there. `first` is empty where there is only one.
 */
export function lossMeans({ loss, second_from: second }: Round): { first: Trace; last: Trace } {
  if (second === null) return { first: [], last: runningMean(loss) };
  return {
    first: runningMean(loss.filter(([step]) => step <= second)),
    last: runningMean(loss.filter(([step]) => step > second)),
  };
}

/** What the chart of the loss shows, as a table: of which training, at which step, the loss and its running mean. */
export function lossRows(round: Round): (string | number | null)[][] {
  const { first, last } = lossMeans(round);
  const second = round.second_from;
  const means = new Map([...first, ...last]);
  const rows = round.loss.map(([step, loss]) => [
    second !== null && step > second ? 2 : 1,
    step,
    loss,
    means.get(step) ?? null,
  ]);
  return [["training", "step", "loss", "running_mean"], ...rows];
}

/** Mean over a window of a twelfth of the trace: what the eye would draw. */
function runningMean(pairs: Trace): Trace {
  const half = Math.max(1, Math.floor(pairs.length / 24));
  return pairs.map(([step], index) => {
    const window = pairs.slice(Math.max(0, index - half), index + half + 1);
    return [step, window.reduce((sum, [, value]) => sum + value, 0) / window.length];
  });
}
