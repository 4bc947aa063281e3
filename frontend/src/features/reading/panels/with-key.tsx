/** A tooltip with the name of a command and its key, after 400 ms. */
import { Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/lib/me";
import { type Command, keysOf, printed } from "../state/keymap";

export function WithKey({ command, children }: { command: Command; children: ReactNode }) {
  const { t } = useTranslation("reading");
  const own = useMe().data?.key_bindings;
  const key = keysOf(command, own)[0] ?? "";
  return (
    <Tooltip label={`${t(`command.${command}`)}  ${printed(key)}`} openDelay={400}>
      {children}
    </Tooltip>
  );
}
