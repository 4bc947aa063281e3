/** The range of the threshold brush: the reader's own, else what the window in use shows. */
import type { Ground } from "./gesture";

export interface Range {
  low: number;
  high: number;
}

export function thresholdRange({ session, view }: Pick<Ground, "session" | "view">): Range | null {
  const { range } = session.ui.getState();
  if (range) return range;
  const { window } = view.store.getState();
  if (!window) return null;
  const first = {
    low: Math.round(window.centre - window.width / 2),
    high: Math.round(window.centre + window.width / 2),
  };
  session.ui.setState({ range: first });
  return first;
}
