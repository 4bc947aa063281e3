import type { CSSProperties } from "react";

/** A mark in small: solid for a person, dashed for a model. */
export function Swatch({ colour, model = false }: { colour: string; model?: boolean }) {
  return (
    <span aria-hidden="true" className={`sw${model ? " m" : ""}`} style={{ "--c": colour } as CSSProperties} />
  );
}
