/** Every key of the room, by group: pairs in one line, the project's own types among them. */
import { Modal } from "@mantine/core";
import { useState } from "react";
import { useMe } from "@/lib/me";
import { Button } from "@/ui/button";
import { Kbd } from "@/ui/kbd";
import {
  COMMANDS,
  type Command,
  type Doing,
  isInForce,
  type KeyGroupName,
  keysOf,
  LISTED,
  printed,
  TOGETHER,
} from "../state/keymap";
import { useSession, useUi } from "../state/session-context";
import { useWords, type Words } from "../state/use-words";
import { KeyEditor } from "./key-editor";

interface Line {
  name: string;
  keys: string[];
}

export function RoomKeysDialog() {
  const t = useWords();
  const session = useSession();
  const shown = useUi((state) => state.keysShown);
  const own = useMe().data?.key_bindings;
  const [editing, setEditing] = useState(false);
  const types = [...session.lesionTypes, ...session.imageTypes]
    .filter((type) => type.key)
    .map((type) => ({ name: type.name, keys: [type.key] }));
  return (
    <Modal
      opened={shown}
      onClose={() => {
        setEditing(false);
        session.ui.setState({ keysShown: false });
      }}
      title={t("command.keys")}
      size="1080px"
      closeButtonProps={{ "aria-label": t("closeKeys") }}
    >
      {editing ? <KeyEditor onDone={() => setEditing(false)} /> : null}
      <div className="rr-keys" hidden={editing}>
        {LISTED[session.doing].map((group) => (
          <section key={group}>
            <h3>{t(`keyGroup.${group}`)}</h3>
            <dl>
              {[...linesOf(group, session.doing, own, t), ...(group === "marking" ? types : [])].map(
                ({ name, keys }) => (
                  <div key={name}>
                    <dt>
                      {keys.map((key) => (
                        <Kbd key={key}>{key}</Kbd>
                      ))}
                    </dt>
                    <dd>{name}</dd>
                  </div>
                ),
              )}
            </dl>
          </section>
        ))}
      </div>
      {editing ? null : (
        <div className="row" style={{ gap: 12 }}>
          <p className="q sm grow">{t("keysOff")}</p>
          <Button dense onClick={() => setEditing(true)}>
            {t("ownKeys.edit")}
          </Button>
        </div>
      )}
    </Modal>
  );
}

function linesOf(group: KeyGroupName, doing: Doing, own: Record<string, string> | undefined, t: Words): Line[] {
  const lines: Line[] = [];
  for (const command of Object.keys(COMMANDS) as Command[]) {
    if (COMMANDS[command].group !== group || !isInForce(command, doing)) continue;
    const merged = Object.entries(TOGETHER).find(([, commands]) => commands.includes(command));
    if (!merged) lines.push({ name: t(`command.${command}`), keys: keysOf(command, own).map(printed) });
    else if (merged[1][0] === command) {
      const keys = merged[1].flatMap((one) => keysOf(one, own).slice(0, 1));
      lines.push({ name: t(`together.${merged[0]}`), keys: shortened(keys).map(printed) });
    }
  }
  return lines;
}

/** "Shift ← → ↑ ↓" instead of the same modifier four times. */
function shortened(keys: string[]): string[] {
  const modifier = /^((?:Ctrl\+|Alt\+|Shift\+)+)/.exec(keys[0] ?? "")?.[1];
  if (!modifier || !keys.every((key) => key.startsWith(modifier))) return keys;
  return [keys[0] as string, ...keys.slice(1).map((key) => key.slice(modifier.length))];
}
