import type { CSSProperties, ReactNode } from "react";

/** A place of `span` of twelve columns; one column on a tablet. */
export function Cell({ span, children }: { span: number; children: ReactNode }) {
  return (
    <div className="cell" style={{ "--span": span } as CSSProperties}>
      {children}
    </div>
  );
}
