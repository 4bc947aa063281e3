import { NumberInput, Switch } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { StepProps } from "@/features/wizard/components/step-props";
import { decimal } from "@/lib/format";
import { FalsePositivesField } from "@/ui/false-positives-field";
import { ShareField } from "@/ui/share-field";

export function ModelStep({ draft, onChange }: StepProps) {
  const { t } = useTranslation("wizard");
  return (
    <div className="form">
      <h2>{t("model.title")}</h2>
      <ShareField
        label={t("model.threshold")}
        note={t("model.thresholdNote")}
        value={draft.display_threshold}
        step={0.05}
        write={decimal}
        onChange={(display_threshold) => onChange({ display_threshold })}
      />
      <FalsePositivesField
        label={t("model.allowed")}
        note={t("model.allowedNote")}
        placeholder={t("model.allowedAny")}
        value={draft.false_positives_allowed}
        onChange={(false_positives_allowed) => onChange({ false_positives_allowed })}
      />
      <NumberInput
        label={t("model.wanted")}
        description={t("model.wantedNote")}
        value={draft.readings_wanted}
        min={1}
        max={20}
        allowDecimal={false}
        styles={{ wrapper: { width: 180 } }}
        onChange={(value) => onChange({ readings_wanted: Math.max(1, Number(value) || 1) })}
      />
      <Switch
        label={t("model.policy")}
        description={t("model.policyNote")}
        checked={draft.policy.enabled}
        onChange={(event) => onChange({ policy: { ...draft.policy, enabled: event.currentTarget.checked } })}
      />
      <NumberInput
        label={t("model.every")}
        value={draft.policy.every_n_readings}
        disabled={!draft.policy.enabled}
        min={1}
        max={10000}
        allowDecimal={false}
        styles={{ wrapper: { width: 180 } }}
        onChange={(value) =>
          onChange({ policy: { ...draft.policy, every_n_readings: Math.max(1, Number(value) || 1) } })
        }
      />
      <Switch
        label={t("model.laterality")}
        description={t("model.lateralityNote")}
        checked={draft.laterality_matters}
        onChange={(event) => onChange({ laterality_matters: event.currentTarget.checked })}
      />
    </div>
  );
}
