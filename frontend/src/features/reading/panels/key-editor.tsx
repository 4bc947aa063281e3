/** The reader's own keys: press a command's key to choose another one; kept with the account. */
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe, useUpdateMe } from "@/lib/me";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";
import { Kbd } from "@/ui/kbd";
import {
  COMMANDS,
  type Command,
  holderOf,
  type KeyGroupName,
  keyOf,
  keysOf,
  LISTED,
  printed,
} from "../state/keymap";
import { useSession } from "../state/session-context";

const MODIFIERS = ["Shift", "Control", "Alt", "Meta"];

export function KeyEditor({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const own = useMe().data?.key_bindings ?? {};
  const update = useUpdateMe();
  const [asking, setAsking] = useState<Command | null>(null);
  const [problem, setProblem] = useState("");
  // Readers have no use for the keys of a review.
  const columns: KeyGroupName[][] = LISTED.reading.map((group) =>
    group === "reading" && session.project.role !== "reader" ? [group, "review"] : [group],
  );
  const types = [...session.lesionTypes, ...session.imageTypes].map((type) => type.key).filter(Boolean);
  const store = (bindings: Record<string, string>) => {
    setAsking(null);
    setProblem("");
    update.mutate({ key_bindings: bindings });
  };
  const choose = (command: Command, pressed: string) => {
    const { [command]: _old, ...others } = own;
    if ((COMMANDS[command].keys as readonly string[]).includes(pressed)) return store(others);
    const holder = holderOf(pressed, own, types, command);
    if (holder === "type") return setProblem(t("ownKeys.ofType", { key: printed(pressed) }));
    if (holder && holder !== command)
      return setProblem(t("ownKeys.taken", { key: printed(pressed), command: nameOf(holder) }));
    store({ ...others, [command]: pressed });
  };
  const nameOf = (command: Command) => t(`command.${command}`, { defaultValue: t(`ownKeys.name.${command}`) });
  const visible = (command: Command) =>
    asking === command
      ? t("ownKeys.press")
      : [printed(keysOf(command, own)[0] ?? ""), own[command] ? t("ownKeys.own") : ""].filter(Boolean).join(" ");
  const latest = useRef(choose);
  useEffect(() => {
    latest.current = choose;
  });
  useEffect(() => {
    if (!asking) return;
    // Before anything else acts on the key; Esc goes on and closes the dialog.
    const onKey = (event: KeyboardEvent) => {
      if (MODIFIERS.includes(event.key) || event.key === "Escape") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      latest.current(asking, keyOf(event));
    };
    window.addEventListener("keydown", onKey, { capture: true });
    return () => window.removeEventListener("keydown", onKey, { capture: true });
  }, [asking]);
  return (
    <div>
      <div className="rr-keys">
        {columns.map((groups) => (
          <div key={groups[0]}>
            {groups.map((group) => (
              <section key={group}>
                <h3>{t(`keyGroup.${group}`)}</h3>
                {(Object.keys(COMMANDS) as Command[])
                  .filter((command) => COMMANDS[command].group === group)
                  .map((command) => (
                    <div key={command} className="row sb rr-key-line">
                      <span className="sm">{nameOf(command)}</span>
                      <button
                        type="button"
                        className={`fkey${asking === command ? " on" : ""}`}
                        aria-pressed={asking === command}
                        aria-label={`${visible(command)}. ${t("ownKeys.change", { command: nameOf(command) })}`}
                        onClick={() => {
                          setProblem("");
                          setAsking(asking === command ? null : command);
                        }}
                      >
                        {asking === command ? (
                          t("ownKeys.press")
                        ) : (
                          <>
                            <Kbd>{printed(keysOf(command, own)[0] ?? "")}</Kbd>
                            {own[command] ? <span className="xs q">{` ${t("ownKeys.own")}`}</span> : null}
                          </>
                        )}
                      </button>
                    </div>
                  ))}
              </section>
            ))}
          </div>
        ))}
      </div>
      <div className="row" style={{ gap: 8 }}>
        <span className="grow sm rr-hint" role="status">
          {problem}
        </span>
        <ErrorLine error={update.error} />
        <Button dense disabled={Object.keys(own).length === 0} onClick={() => store({})}>
          {t("ownKeys.reset")}
        </Button>
        <Button dense variant="primary" onClick={onDone}>
          {t("ownKeys.done")}
        </Button>
      </div>
    </div>
  );
}
