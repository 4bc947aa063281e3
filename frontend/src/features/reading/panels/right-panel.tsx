/** The reading itself: what the model found, one's own marks, their attributes, image findings, verdict. */
import { IconEyeOff, IconPencil } from "@tabler/icons-react";
import type { Room } from "@/lib/api-types";
import { clock, time } from "@/lib/format";
import { Ring } from "@/ui/ring";
import { useActiveSeconds, useSession } from "../state/session-context";
import { useWords, type Words } from "../state/use-words";
import { AttributesSection } from "./attributes-section";
import { FindingTypesSection } from "./finding-types-section";
import { FirstLookSection } from "./first-look-section";
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
        {session.room.first_look && session.asksModel ? <FirstLookSection /> : null}
        {session.room.model && session.asksModel ? <ModelSection /> : null}
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

function lineOf({ arm, first_look, model, reading }: Room, t: Words): string {
  if (reading.revises) return t("edits.line", { name: reading.revises.reader.name });
  if (arm === "blinded") return t("blindedLine");
  if (first_look) return t("firstLook.line");
  if (reading.revealed_at) return t("firstLook.over", { time: time(reading.revealed_at) });
  return t(model ? "assistedLine" : "noModelLine");
}

function ArmStrip() {
  const t = useWords();
  const { room } = useSession();
  const seconds = useActiveSeconds();
  const blinded = room.arm === "blinded";
  const isEdit = Boolean(room.reading.revises);
  return (
    <div className="strip">
      {isEdit ? (
        <IconPencil size={14} stroke={1.6} style={{ flex: "none" }} />
      ) : blinded ? (
        <IconEyeOff size={14} stroke={1.6} />
      ) : (
        <Ring model={room.model !== null} size={13} />
      )}
      <b className="b" style={{ color: "var(--n10)" }}>
        {t(isEdit ? "edits.short" : blinded ? "blinded" : "assisted")}
      </b>
      <span className="ell">{lineOf(room, t)}</span>
      <span className="grow" />
      <span className="num" title={t("activeTime")}>
        {clock(seconds)}
      </span>
    </div>
  );
}
