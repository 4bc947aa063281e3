import type { ReactNode } from "react";
import { LogoRings } from "@/ui/logo";

/** What this page will hold, and the one next step. */
export function EmptyState({
  title,
  children,
  actions,
  foot,
}: {
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  /** A quiet line below: another way to the same end. */
  foot?: ReactNode;
}) {
  return (
    <div style={{ flex: 1, display: "flex", alignItems: "center", justifyContent: "center", padding: 24 }}>
      <div
        style={{
          width: 560,
          textAlign: "center",
          display: "flex",
          flexDirection: "column",
          alignItems: "center",
          gap: 14,
          marginTop: -40,
        }}
      >
        <LogoRings />
        <h1 style={{ marginTop: 10 }}>{title}</h1>
        <div className="sec" style={{ maxWidth: 430 }}>
          {children}
        </div>
        {actions ? (
          <div className="row" style={{ marginTop: 6 }}>
            {actions}
          </div>
        ) : null}
        {foot ? (
          <div className="row sm q nw" style={{ marginTop: 22, gap: 10 }}>
            {foot}
          </div>
        ) : null}
      </div>
    </div>
  );
}
