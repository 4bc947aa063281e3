/** Which cases of an evaluation are looked at: those behind a point, a bin or a row. */

export interface Chosen {
  /** In the page's language: "size: under 12 mm". */
  label: string;
  /** What the point or row is: two with the same key are the same. */
  key: string;
  query: CaseQuery;
}

export interface CaseQuery {
  threshold?: number;
  wrong?: boolean;
  dimension?: string;
  group?: string;
  score?: string;
  calibrated?: boolean;
  low?: number;
  high?: number;
}

/** The query as the API takes it. */
export function searchOf(query: CaseQuery): string {
  const told = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(told.map(([name, value]) => [name, String(value)])).toString();
}
