import { IconCheck, IconLanguage } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { currentLanguage, type Language, serverCode, switchLanguage } from "@/lib/i18n";
import { useUpdateMe } from "@/lib/me";
import { Menu, MenuItem } from "@/ui/menu";

const NAMES: Record<Language, string> = { en: "English", zh: "简体中文" };

/** The language of the page, kept with the person. Each language is named in itself. */
export function LanguageSwitch() {
  const { t } = useTranslation();
  const update = useUpdateMe();
  const now = currentLanguage();
  const choose = (language: Language) => {
    void switchLanguage(language);
    update.mutate({ language: serverCode(language) });
  };
  return (
    <Menu
      width={160}
      align="end"
      trigger={(props) => (
        <button type="button" className="tool" aria-label={t("language")} title={t("language")} {...props}>
          <IconLanguage size={18} stroke={1.6} />
        </button>
      )}
    >
      {(Object.keys(NAMES) as Language[]).map((language) => (
        <MenuItem
          key={language}
          lang={language === "zh" ? "zh-Hans" : "en"}
          onClick={() => choose(language)}
          right={language === now ? <IconCheck size={14} /> : null}
        >
          {NAMES[language]}
        </MenuItem>
      ))}
    </Menu>
  );
}
