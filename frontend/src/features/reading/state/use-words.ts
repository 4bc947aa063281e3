import { useCallback } from "react";
import { useTranslation } from "react-i18next";

export type Words = (key: string, values?: Record<string, unknown>) => string;

/** The room's words as a plain function, for code that is no component. */
export function useWords(): Words {
  const { t } = useTranslation("reading");
  return useCallback((key, values) => String(t(key, { ...values })), [t]);
}
