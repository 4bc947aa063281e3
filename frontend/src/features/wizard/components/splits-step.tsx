import { useTranslation } from "react-i18next";
import type { StepProps } from "@/features/wizard/components/step-props";
import { percent } from "@/lib/format";
import { ShareField } from "@/ui/share-field";

export function SplitsStep({ draft, onChange }: StepProps) {
  const { t } = useTranslation("wizard");
  const pool = 1 - draft.validation_share - draft.holdout_share;
  const parts: [string, number, string][] = [
    ["POOL", pool, "#62b0f5"],
    ["VALIDATION", draft.validation_share, "#bababa"],
    ["HOLDOUT", draft.holdout_share, "#757575"],
  ];
  return (
    <div className="form">
      <h2>{t("splits.title")}</h2>
      <p className="sec sm">{t("splits.note")}</p>
      <div>
        <div className="parts" aria-hidden="true">
          {parts.map(([name, share, colour]) => (
            <i key={name} style={{ flex: Math.max(0, share), background: colour }} />
          ))}
        </div>
        <div className="row sm" style={{ gap: 24, marginTop: 8 }}>
          {parts.map(([name, share, colour]) => (
            <span key={name} className="row" style={{ gap: 6 }}>
              <i aria-hidden="true" style={{ width: 8, height: 8, borderRadius: 2, background: colour }} />
              {name} <b className="b num">{percent(Math.max(0, share))}</b>
            </span>
          ))}
        </div>
      </div>
      <ShareField
        label="VALIDATION"
        note={t("splits.validation")}
        max={0.5}
        value={draft.validation_share}
        onChange={(validation_share) => onChange({ validation_share })}
      />
      <ShareField
        label="HOLDOUT"
        note={t("splits.holdout")}
        max={0.5}
        value={draft.holdout_share}
        onChange={(holdout_share) => onChange({ holdout_share })}
      />
      <ShareField
        label={t("splits.blindedLabel")}
        note={t("splits.blinded")}
        value={draft.blinded_share}
        onChange={(blinded_share) => onChange({ blinded_share })}
      />
    </div>
  );
}
