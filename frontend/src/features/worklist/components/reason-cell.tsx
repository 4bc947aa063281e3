import {
  type Icon,
  IconAlertCircle,
  IconDice5,
  IconFileImport,
  IconSparkles,
  IconTarget,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ReasonKind, WorkRow } from "@/lib/api-types";

const ICONS: Record<ReasonKind, Icon> = {
  random: IconDice5,
  uncertain: IconTarget,
  likely: IconAlertCircle,
  imported: IconFileImport,
  first: IconSparkles,
};

/** Why this case stands where it stands. */
export function ReasonCell({ reason }: { reason: NonNullable<WorkRow["reason"]> }) {
  const { t } = useTranslation("worklist");
  const Glyph = ICONS[reason.kind] ?? IconTarget;
  return (
    <span className="row" style={{ gap: 7 }}>
      <Glyph size={14} stroke={1.6} style={{ flex: "none" }} />
      <span>
        {t(`reason.${reason.kind}`)}
        {reason.detail ? `${t("detailJoin")}${reason.detail}` : ""}
      </span>
    </span>
  );
}
