import { describe, expect, test } from "vitest";
import en from "@/locales/en/reading.json";
import zh from "@/locales/zh/reading.json";
import { COMMANDS, type Command, commandOf, holderOf, isInForce, keyOf, printed, TOGETHER } from "./keymap";

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

  test("do one thing each, while a case is read and while another's reading is reviewed", () => {
    for (const doing of ["reading", "review"] as const) {
      const all = (Object.keys(COMMANDS) as Command[])
        .filter((command) => isInForce(command, doing))
        .flatMap((command) => [...COMMANDS[command].keys]);
      expect(new Set(all).size).toBe(all.length);
      expect(all.some((key) => /^[0-9]$/.test(key))).toBe(false);
    }
  });

  test("decide on another's reading under review, and on the model's findings elsewhere", () => {
    expect(commandOf("A", {}, "review")).toBe("agree");
    expect(commandOf("A")).toBe("accept");
    expect(commandOf("N", {}, "review")).toBe("skip");
    expect(commandOf("W", {}, "review")).toBe("window");
    expect(commandOf("B", {}, "review")).toBe("box");
    expect(commandOf("G", { agree: "G" }, "review")).toBe("agree");
    expect(commandOf("G", { agree: "G" })).toBe("layout");
    expect(commandOf("A", { agree: "G" }, "review")).toBe("accept");
  });

  test("of a review are taken from what is in force there, and others from them where they are in force, too", () => {
    expect(holderOf("A", {}, [], "skip")).toBe("agree");
    expect(holderOf("B", {}, [], "skip")).toBeNull();
    expect(holderOf("W", {}, [], "skip")).toBe("window");
    expect(holderOf("P", {}, [], "skip")).toBe("previousCase");
    expect(holderOf("X", { reject: "Alt+X" }, [], "pan")).toBe("sendBack");
    expect(holderOf("X", { reject: "Alt+X" }, [], "box")).toBeNull();
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
  expect(holderOf("1", {}, ["1"], "box")).toBe("type");
  expect(holderOf("A", {}, [], "box")).toBe("accept");
  expect(holderOf("A", { accept: "G" }, [], "box")).toBeNull();
  expect(holderOf("G", { accept: "G" }, [], "box")).toBe("accept");
});

test("every command that a reader may give another key has a name of its own, in both languages", () => {
  for (const { command, ownKeys } of [en, zh]) {
    const named = new Set([...Object.keys(command), ...Object.keys(ownKeys.name)]);
    expect(Object.keys(COMMANDS).filter((one) => !named.has(one))).toEqual([]);
  }
});
