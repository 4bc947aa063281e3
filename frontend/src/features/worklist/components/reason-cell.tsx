import {
  type Icon,
  IconAlertCircle,
  IconDice5,
  IconFileImport,
  IconSparkles,
  IconStack2,
  IconTarget,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ReasonKind, WorkRow } from "@/lib/api-types";

const ICONS: Record<ReasonKind, Icon> = {
  random: IconDice5,
  uncertain: IconTarget,
  likely: IconAlertCircle,
  different: IconStack2,
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
        {reason.slices.length ? (
          <span className="q">
            {t("detailJoin")}
            {t("beginAt", { slices: reason.slices.join(t("sliceJoin")) })}
          </span>
        ) : null}
      </span>
    </span>
  );
}
