import { useEffect, useRef } from "react";

export type KeyHandlers = Record<string, (event: KeyboardEvent) => void>;

interface Options {
  /** Off while false. */
  enabled?: boolean;
  /** Also while a dialog is open (its own keys). */
  inDialog?: boolean;
}

/** The name of a pressed key: "j", "shift+j", "mod+k", "?", "enter". Shift is part of a character like "?" itself. */
export function keyName(
  event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">,
): string {
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  const isLetter = key.length === 1 && key !== key.toUpperCase();
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (isLetter || key.length > 1)) parts.push("shift");
  parts.push(key);
  return parts.join("+");
}

/** Whether typing goes into a field, where single keys are letters and nothing else (WCAG 2.1.4). */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "button", "submit", "range", "file"].includes(target.type);
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

const PRESSES = new Set(["enter", "space"]);

/** Act on single keys in the whole page; Enter and Space stay with the button or link that has the focus. */
export function useKeys(handlers: KeyHandlers, { enabled = true, inDialog = false }: Options = {}): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    if (!enabled) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const name = keyName(event);
      const run = latest.current[name];
      if (!run) return;
      if (isTyping(event.target) && !name.startsWith("mod+") && name !== "escape") return;
      if (
        PRESSES.has(name) &&
        event.target instanceof Element &&
        event.target.closest("button,a,summary,[role=option],[role=menuitem]")
      )
        return;
      if (!inDialog && document.querySelector('[role="dialog"],[role="menu"]')) return;
      event.preventDefault();
      run(event);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [enabled, inDialog]);
}
