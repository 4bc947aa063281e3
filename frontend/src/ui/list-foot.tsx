import type { ReactNode } from "react";
import { Kbd } from "@/ui/kbd";

interface ListFootProps {
  /** Keys in force, and what each does, in words. */
  hints: readonly (readonly [keys: readonly string[], does: string])[];
  /** At the right: how many rows there are. */
  children?: ReactNode;
}

/** Below a list: the keys in force, and how many rows there are. */
export function ListFoot({ hints, children }: ListFootProps) {
  return (
    <footer className="row sm sec list-foot">
      {hints.map(([keys, does]) => (
        <span key={does} className="row" style={{ gap: 6 }}>
          {keys.map((key) => (
            <Kbd key={key}>{key}</Kbd>
          ))}
          <span>{does}</span>
        </span>
      ))}
      <span className="grow" />
      {children ? <span className="q num">{children}</span> : null}
    </footer>
  );
}
