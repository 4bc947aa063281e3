import { Menu } from "@mantine/core";
import { IconCheck, IconLanguage } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { currentLanguage, type Language, serverCode, switchLanguage } from "@/lib/i18n";
import { useUpdateMe } from "@/lib/me";

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
    <Menu position="bottom-end" width={160}>
      <Menu.Target>
        <button type="button" className="tool" aria-label={t("language")} title={t("language")}>
          <IconLanguage size={18} stroke={1.6} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(NAMES) as Language[]).map((language) => (
          <Menu.Item
            key={language}
            lang={language === "zh" ? "zh-Hans" : "en"}
            onClick={() => choose(language)}
            rightSection={language === now ? <IconCheck size={14} /> : null}
          >
            {NAMES[language]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
