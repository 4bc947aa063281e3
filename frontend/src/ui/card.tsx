import type { CSSProperties, ReactNode } from "react";

interface CardProps {
  title?: ReactNode;
  /** Quiet words after the title. */
  note?: ReactNode;
  /** Controls at the right end of the head. */
  actions?: ReactNode;
  children?: ReactNode;
  /** The body without padding, for tables. */
  bare?: boolean;
  style?: CSSProperties;
  className?: string;
}

export function Card({ title, note, actions, children, bare, style, className }: CardProps) {
  return (
    <section className={`card${className ? ` ${className}` : ""}`} style={style}>
      {title || actions ? (
        <header className="ch">
          {title ? <h2 className="nw">{title}</h2> : null}
          {note ? <span className="q sm ell">{note}</span> : null}
          <span className="grow" />
          {actions}
        </header>
      ) : null}
      {bare ? children : <div className="cb_">{children}</div>}
    </section>
  );
}
