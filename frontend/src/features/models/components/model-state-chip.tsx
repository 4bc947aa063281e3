import { IconCheck, IconHourglass } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ModelState } from "@/lib/api-types";
import { Chip } from "@/ui/chip";

/** Whether readers see this version's findings. */
export function ModelStateChip({ state, released }: { state: ModelState; released: boolean }) {
  const { t } = useTranslation("models");
  const chip =
    state === "serves" ? (
      <Chip tone="ok" icon={<IconCheck />}>
        {t("state.serves")}
      </Chip>
    ) : state === "waits" ? (
      <Chip tone="warn" icon={<IconHourglass />}>
        {t("state.waits")}
      </Chip>
    ) : (
      <Chip>{t(`state.${state}`)}</Chip>
    );
  return (
    <span className="row" style={{ gap: 6 }}>
      {chip}
      {released ? <Chip>{t("released")}</Chip> : null}
    </span>
  );
}
