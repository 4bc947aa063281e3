import { describe, expect, test } from "vitest";
import { COMMANDS, commandOf, keyOf, printed, TOGETHER } from "./keymap";

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
