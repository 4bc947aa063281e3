/**
 * English and Chinese. One namespace per feature in src/locales/<language>/<feature>.json, loaded when its page is;
 * `common` holds the shell and the shared words.
 */
import i18n, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";

export type Language = "en" | "zh";
const REMEMBERED = "overread.language";

const files = import.meta.glob<{ default: Record<string, unknown> }>("../locales/*/*.json");

const bundles: BackendModule = {
  type: "backend",
  init: () => undefined,
  read: (language, namespace, done) => {
    const load = files[`../locales/${language}/${namespace}.json`];
    if (!load) {
      done(new Error(`No words for ${language}/${namespace}`), false);
      return;
    }
    load().then(
      (module) => done(null, module.default),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), false),
    );
  },
};

/** The browser's own answer until the person's setting is known: the last one used here, else its language. */
function firstLanguage(): Language {
  const remembered = window.localStorage.getItem(REMEMBERED);
  if (remembered === "en" || remembered === "zh") return remembered;
  return window.navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The language of the page for what the server calls it ("zh-hans" → "zh"). */
export function languageOf(code: string): Language {
  return code.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** What the server calls a language of the page. */
export function serverCode(language: Language): string {
  return language === "zh" ? "zh-hans" : "en";
}

export function currentLanguage(): Language {
  return languageOf(i18n.language ?? "en");
}

export async function switchLanguage(language: Language): Promise<void> {
  window.localStorage.setItem(REMEMBERED, language);
  await i18n.changeLanguage(language);
}

function markDocument(language: string): void {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

i18n.on("languageChanged", markDocument);
void i18n
  .use(bundles)
  .use(initReactI18next)
  .init({
    lng: firstLanguage(),
    fallbackLng: false,
    supportedLngs: ["en", "zh"],
    ns: ["common"],
    defaultNS: "common",
    interpolation: { escapeValue: false },
    returnNull: false,
  });

export default i18n;
