import { type ReactNode, useEffect } from "react";

interface PageHeadProps {
  title: string;
  /** The name in the browser's tab, when it is not the title. */
  tab?: string;
  note?: ReactNode;
  children?: ReactNode;
}

/** The title row of a page: 32 px, title, quiet words, controls at the right. */
export function PageHead({ title, tab, note, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${tab ?? title} · Overread`;
  }, [tab, title]);
  return (
    <div className="head">
      <h1 className="nw">{title}</h1>
      {typeof note === "string" ? <span className="q ell">{note}</span> : note}
      <span className="grow" />
      {children}
    </div>
  );
}
