import { NumberInput, Switch, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useUpdateProject } from "@/features/settings/api/settings";
import { SaveFoot } from "@/features/settings/components/save-foot";
import type { SectionProps } from "@/features/settings/settings-page";
import type { ProjectChange } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import { FalsePositivesField } from "@/ui/false-positives-field";
import { ShareField } from "@/ui/share-field";

/** Name and question, and how readers meet the model. */
export function QuestionSection({ project }: SectionProps) {
  const { t } = useTranslation("settings");
  const update = useUpdateProject(project.slug);
  const [change, setChange] = useState<ProjectChange>({});
  const set = (more: ProjectChange) => setChange((now) => ({ ...now, ...more }));
  const now = { ...project, ...change };
  return (
    <section className="card grow">
      <div className="scroll" style={{ flex: 1 }}>
        <div className="form">
          <TextInput
            label={t("name")}
            value={now.name}
            maxLength={120}
            required
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <Textarea
            label={t("question")}
            description={t("questionNote")}
            value={now.question}
            maxLength={300}
            autosize
            minRows={2}
            onChange={(event) => set({ question: event.currentTarget.value })}
          />
          <ShareField
            label={t("threshold")}
            note={t("thresholdNote")}
            value={now.display_threshold}
            step={0.05}
            write={decimal}
            onChange={(display_threshold) => set({ display_threshold })}
          />
          <FalsePositivesField
            label={t("allowed")}
            note={t("allowedNote")}
            placeholder={t("allowedAny")}
            value={now.false_positives_allowed}
            onChange={(false_positives_allowed) => set({ false_positives_allowed })}
          />
          <NumberInput
            label={t("wanted")}
            description={t("wantedNote")}
            value={now.readings_wanted}
            min={1}
            max={20}
            allowDecimal={false}
            styles={{ wrapper: { width: 180 } }}
            onChange={(value) => set({ readings_wanted: Math.max(1, Number(value) || 1) })}
          />
          <Switch
            label={t("firstLook")}
            description={t("firstLookNote")}
            checked={now.first_look}
            onChange={(event) => set({ first_look: event.currentTarget.checked })}
          />
          <Switch
            label={t("acceptAll")}
            description={t("acceptAllNote")}
            checked={now.accept_all}
            onChange={(event) => set({ accept_all: event.currentTarget.checked })}
          />
          <Switch
            label={t("laterality")}
            description={t("lateralityNote")}
            checked={now.laterality_matters}
            onChange={(event) => set({ laterality_matters: event.currentTarget.checked })}
          />
        </div>
      </div>
      <SaveFoot
        dirty={Object.keys(change).length > 0}
        busy={update.isPending}
        saved={update.isSuccess}
        error={update.error}
        lack={now.name.trim() ? undefined : t("noName")}
        onSave={() => update.mutate(change, { onSuccess: () => setChange({}) })}
        onDiscard={() => setChange({})}
      />
    </section>
  );
}
