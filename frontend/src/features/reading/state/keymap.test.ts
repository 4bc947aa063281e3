import { describe, expect, test } from "vitest";
import en from "@/locales/en/reading.json";
import zh from "@/locales/zh/reading.json";
import { COMMANDS, commandOf, holderOf, keyOf, printed, TOGETHER } from "./keymap";

const press = (key: string, code: string, held: Partial<KeyboardEvent> = {}) => ({
  ...{ key, code, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false },
  ...held,
});

describe("keys", () => {
  test("have one name on every layout and with an input method", () => {
    expect(keyOf(press("a", "KeyA"))).toBe("A");
    expect(keyOf(press("Process", "KeyA"))).toBe("A");
    expect(keyOf(press("ф", "KeyA"))).toBe("A");
    expect(keyOf(press("a", "KeyQ"))).toBe("A");
    expect(keyOf(press("!", "Digit1", { shiftKey: true }))).toBe("Shift+1");
    expect(keyOf(press("{", "BracketLeft", { shiftKey: true }))).toBe("Shift+[");
    expect(keyOf(press("?", "Slash", { shiftKey: true }))).toBe("?");
    expect(keyOf(press("+", "Equal", { shiftKey: true }))).toBe("+");
    expect(keyOf(press("z", "KeyZ", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+Shift+Z");
    expect(keyOf(press("z", "KeyZ", { metaKey: true }))).toBe("Ctrl+Z");
    expect(keyOf(press(" ", "Space"))).toBe("Space");
  });

  test("do one thing each", () => {
    const all = Object.values(COMMANDS).flatMap(({ keys }) => [...keys]);
    expect(new Set(all).size).toBe(all.length);
    expect(all.some((key) => /^[0-9]$/.test(key))).toBe(false);
  });

  test("are listed once", () => {
    const together = Object.values(TOGETHER).flat();
    expect(new Set(together).size).toBe(together.length);
    expect(together.every((command) => command in COMMANDS)).toBe(true);
  });

  test("follow the reader's own bindings, whose old key is then free", () => {
    expect(commandOf("A")).toBe("accept");
    expect(commandOf("G", { accept: "G" })).toBe("accept");
    expect(commandOf("A", { accept: "G" })).toBeNull();
    expect(commandOf("A", { nonsense: "A" })).toBe("accept");
  });

  test("are printed as on the keyboard", () => {
    expect(printed("Ctrl+Shift+Z")).toBe("Ctrl Shift Z");
    expect(printed("Shift+ArrowLeft")).toBe("Shift ←");
    expect(printed("+")).toBe("+");
  });
});

test("a key is held by a finding type, by the reader's own command, or by a command that has not moved away", () => {
  expect(holderOf("1", {}, ["1"])).toBe("type");
  expect(holderOf("A", {}, [])).toBe("accept");
  expect(holderOf("A", { accept: "G" }, [])).toBeNull();
  expect(holderOf("G", { accept: "G" }, [])).toBe("accept");
});

test("every command that a reader may give another key has a name of its own, in both languages", () => {
  for (const { command, ownKeys } of [en, zh]) {
    const named = new Set([...Object.keys(command), ...Object.keys(ownKeys.name)]);
    expect(Object.keys(COMMANDS).filter((one) => !named.has(one))).toEqual([]);
  }
});
