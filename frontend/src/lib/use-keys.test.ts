// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { isTyping, keyName } from "@/lib/use-keys";

const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
  keyName({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

describe("the name of a key", () => {
  it("counts Shift for letters and named keys, not for characters that need it", () => {
    expect(press("j")).toBe("j");
    expect(press("J", { shiftKey: true })).toBe("shift+j");
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press("Enter", { ctrlKey: true })).toBe("mod+enter");
    expect(press("k", { metaKey: true })).toBe("mod+k");
  });
});

describe("typing", () => {
  it("goes into text fields and selects, not into checkboxes and buttons", () => {
    const input = (type: string) => Object.assign(document.createElement("input"), { type });
    expect(isTyping(input("text"))).toBe(true);
    expect(isTyping(input("checkbox"))).toBe(false);
    expect(isTyping(document.createElement("textarea"))).toBe(true);
    expect(isTyping(document.createElement("button"))).toBe(false);
  });
});
