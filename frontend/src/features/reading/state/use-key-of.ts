/** The key of a command as it is printed: the reader's own where he has chosen one. */
import { useMe } from "@/lib/me";
import { type Command, keysOf, printed } from "./keymap";

export function useKeyOf(): (command: Command) => string {
  const own = useMe().data?.key_bindings;
  return (command) => printed(keysOf(command, own)[0] ?? "");
}
