import { IconLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Card } from "@/ui/card";

/** Single cases of HOLDOUT stay sealed: who learns from them has worn it out. */
export function SealedCard() {
  const { t } = useTranslation("models");
  return (
    <Card title={t("cases.title")}>
      <div className="row" style={{ gap: 12, alignItems: "flex-start" }}>
        <IconLock size={18} stroke={1.6} color="var(--n9)" style={{ flex: "none" }} />
        <p className="sec">{t("cases.sealed")}</p>
      </div>
    </Card>
  );
}
