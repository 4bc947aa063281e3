import { Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { StepProps } from "@/features/wizard/components/step-props";

export function QuestionStep({ draft, onChange }: StepProps) {
  const { t } = useTranslation("wizard");
  return (
    <div className="form">
      <h2>{t("question.title")}</h2>
      <TextInput
        label={t("question.name")}
        placeholder={t("question.nameExample")}
        value={draft.name}
        maxLength={120}
        required
        data-autofocus
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <Textarea
        label={t("question.question")}
        description={t("question.note")}
        placeholder={t("question.example")}
        value={draft.question}
        maxLength={300}
        autosize
        minRows={2}
        onChange={(event) => onChange({ question: event.currentTarget.value })}
      />
    </div>
  );
}
