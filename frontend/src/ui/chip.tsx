import type { ReactNode } from "react";

export type ChipTone = "neutral" | "accent" | "ok" | "warn" | "bad" | "held" | "person" | "model";
const CLASS: Record<ChipTone, string> = {
  neutral: "",
  accent: " acc",
  ok: " ok",
  warn: " warn",
  bad: " bad",
  held: " held",
  person: " person",
  model: " model",
};

/** A state in one word. Status tones need an icon too: colour never speaks alone. */
export function Chip({
  tone = "neutral",
  icon,
  children,
}: {
  tone?: ChipTone;
  icon?: ReactNode;
  children: ReactNode;
}) {
  return (
    <span className={`chip${CLASS[tone]}`}>
      {icon}
      {children}
    </span>
  );
}
