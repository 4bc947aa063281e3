/** English and Chinese say the same things: a key of one without its twin is a word that nobody translated. */
import { describe, expect, it } from "vitest";

type Words = { [key: string]: string | Words };
const files = import.meta.glob<{ default: Words }>("../locales/*/*.json", { eager: true });
const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.*"], {
  eager: true,
  query: "?raw",
  import: "default",
});

function flat(words: Words, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === "string") found.set(prefix + key, value);
    else for (const [inner, text] of flat(value, `${prefix}${key}.`)) found.set(inner, text);
  }
  return found;
}

function words(language: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  for (const [path, module] of Object.entries(files)) {
    const match = path.match(/locales\/(\w+)\/([\w-]+)\.json$/);
    if (match?.[1] === language && match[2]) found.set(match[2], flat(module.default));
  }
  return found;
}

const [en, zh] = [words("en"), words("zh")];
/** Chinese has one plural form: `_one` has no twin there. */
const isChinese = (key: string) => !key.endsWith("_one");
const placeholders = (text: string) => [...text.matchAll(/{{\s*(\w+)/g)].map((match) => match[1]).sort();

describe("the words", () => {
  it("exist in the same files in both languages", () => {
    expect([...zh.keys()].sort()).toEqual([...en.keys()].sort());
  });
  it.each([...en.keys()])("of %s exist in both languages", (namespace) => {
    const english = [...(en.get(namespace)?.keys() ?? [])].filter(isChinese);
    expect([...(zh.get(namespace)?.keys() ?? [])].sort()).toEqual(english.sort());
  });
  it.each([...en.keys()])("of %s fill in the same values", (namespace) => {
    for (const [key, text] of zh.get(namespace) ?? []) {
      expect([key, placeholders(text)]).toEqual([key, placeholders(en.get(namespace)?.get(key) ?? "")]);
    }
  });
  it("are never empty", () => {
    for (const language of [en, zh]) {
      for (const [namespace, all] of language) {
        for (const [key, text] of all)
          expect(`${namespace}:${key} ${text.trim()}`).not.toBe(`${namespace}:${key} `);
      }
    }
  });
  it("exist for every key that the pages name outright", () => {
    const missing: string[] = [];
    for (const [path, source] of Object.entries(sources)) {
      // A file that is handed its `t` speaks with its feature's words.
      const own = path.match(/features\/([\w-]+)\//)?.[1] ?? "common";
      const hooked = source.match(/useTranslation\((?:\[)?(?:"([\w-]+)")?/);
      const first = hooked ? (hooked[1] ?? "common") : own;
      for (const match of source.matchAll(/\bt\(\s*"([\w:.]+)"/g)) {
        const [namespace, key] = match[1]?.includes(":") ? match[1].split(":") : [first, match[1]];
        const known = en.get(namespace ?? "");
        if (!known?.has(key ?? "") && !known?.has(`${key}_other`)) missing.push(`${path}: ${match[1]}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
