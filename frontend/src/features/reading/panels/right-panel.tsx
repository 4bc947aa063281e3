/** The reading itself: what the model found, one's own marks, their attributes, image findings, verdict. */
import { IconEyeOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { clock } from "@/lib/format";
import { Ring } from "@/ui/ring";
import { useActiveSeconds, useSession } from "../state/session-context";
import { AttributesSection } from "./attributes-section";
import { FindingTypesSection } from "./finding-types-section";
import { ImageFindingsSection } from "./image-findings-section";
import { MarksSection } from "./marks-section";
import { MeasurementsSection } from "./measurements-section";
import { ModelSection } from "./model-section";
import { OthersSection } from "./others-section";
import { VerdictFoot } from "./verdict-foot";

export function RightPanel({ onSubmit, submitting }: { onSubmit: () => void; submitting: boolean }) {
  const session = useSession();
  return (
    <aside className="right">
      <ArmStrip />
      <div className="rr-scroll">
        {session.room.model ? <ModelSection /> : null}
        <FindingTypesSection />
        <MarksSection />
        <AttributesSection />
        <MeasurementsSection />
        <ImageFindingsSection />
        <OthersSection />
      </div>
      <VerdictFoot onSubmit={onSubmit} submitting={submitting} />
    </aside>
  );
}

function ArmStrip() {
  const { t } = useTranslation("reading");
  const { room } = useSession();
  const seconds = useActiveSeconds();
  const blinded = room.arm === "blinded";
  return (
    <div className="strip">
      {blinded ? <IconEyeOff size={14} stroke={1.6} /> : <Ring model={room.model !== null} size={13} />}
      <b className="b" style={{ color: "var(--n10)" }}>
        {t(blinded ? "blinded" : "assisted")}
      </b>
      <span className="ell">{t(blinded ? "blindedLine" : room.model ? "assistedLine" : "noModelLine")}</span>
      <span className="grow" />
      <span className="num" title={t("activeTime")}>
        {clock(seconds)}
      </span>
    </div>
  );
}
