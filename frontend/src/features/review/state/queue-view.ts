import { useSearchParams } from "react-router";
import type { QueueView } from "@/features/review/api/reviews";
import type { ReviewState } from "@/lib/api-types";

export const STATES: ReviewState[] = ["waiting", "reviewed", "sent_back"];

/** What the queue shows, kept in the address: "back" and a copied link bring the same list. */
export function useQueueView(): [QueueView, (change: Partial<QueueView>) => void] {
  const [params, setParams] = useSearchParams();
  const view: QueueView = {
    state: STATES.find((state) => state === params.get("state")) ?? "waiting",
    reader: params.get("reader") ?? "",
  };
  const change = (wanted: Partial<QueueView>) => {
    const next = { ...view, ...wanted };
    const query: Record<string, string> = {};
    if (next.state !== "waiting") query.state = next.state;
    if (next.reader) query.reader = next.reader;
    setParams(query, { replace: true });
  };
  return [view, change];
}
