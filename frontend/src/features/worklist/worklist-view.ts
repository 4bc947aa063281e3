import { useSearchParams } from "react-router";
import { NO_FILTERS, type WorklistFilters, type WorklistView } from "@/features/worklist/api/worklist";
import type { WorkFilter, WorkOrder } from "@/lib/api-types";

export const FILTERS: WorkFilter[] = ["all", "to_read", "in_progress", "submitted", "deferred"];
export const ORDERS: WorkOrder[] = ["priority", "name", "changed", "score"];
const NARROWING = Object.keys(NO_FILTERS) as (keyof WorklistFilters)[];

export type WorklistFallback = Pick<WorklistView, "state" | "order">;

/** What the list shows, kept in the address: "back" and a copied link bring the same list. */
export function useWorklistView(
  fallback: WorklistFallback,
): [WorklistView, (change: Partial<WorklistView>) => void] {
  const [params, setParams] = useSearchParams();
  const view: WorklistView = {
    state: oneOf(FILTERS, params.get("state")) ?? fallback.state,
    order: oneOf(ORDERS, params.get("order")) ?? fallback.order,
    search: params.get("search") ?? "",
    ...NO_FILTERS,
  };
  for (const name of NARROWING) view[name] = params.get(name) ?? "";
  const change = (wanted: Partial<WorklistView>) => {
    const next = { ...view, ...wanted };
    const query: Record<string, string> = {};
    if (next.state !== fallback.state) query.state = next.state;
    if (next.order !== fallback.order) query.order = next.order;
    if (next.search) query.search = next.search;
    for (const name of NARROWING) if (next[name]) query[name] = next[name];
    setParams(query, { replace: true });
  };
  return [view, change];
}

function oneOf<T extends string>(allowed: T[], value: string | null): T | undefined {
  return allowed.find((candidate) => candidate === value);
}
