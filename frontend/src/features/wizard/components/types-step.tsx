import type { StepProps } from "@/features/wizard/components/step-props";
import { problemsOf } from "@/lib/vocabulary";
import { VocabularyEditor } from "@/ui/vocabulary/vocabulary-editor";

export function TypesStep({ draft, onChange }: StepProps) {
  return (
    <VocabularyEditor
      entries={draft.entries}
      problems={problemsOf(draft.entries)}
      onChange={(entries) => onChange({ entries })}
    />
  );
}
