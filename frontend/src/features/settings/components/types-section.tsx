import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { changedEntries, useSaveVocabulary } from "@/features/settings/api/settings";
import { SaveFoot } from "@/features/settings/components/save-foot";
import type { SectionProps } from "@/features/settings/settings-page";
import { entryOf, problemsOf } from "@/lib/vocabulary";
import { ColourCard } from "@/ui/vocabulary/colour-card";
import { PreviewCard } from "@/ui/vocabulary/preview-card";
import { VocabularyEditor } from "@/ui/vocabulary/vocabulary-editor";

/** The vocabulary: a saved change raises its version, readings made before keep theirs. */
export function TypesSection({ project }: SectionProps) {
  const { t } = useTranslation(["settings", "vocabulary"]);
  const save = useSaveVocabulary(project.slug);
  const held = project.finding_types.map(entryOf);
  const [entries, setEntries] = useState(held);
  const version = project.vocabulary_version;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a saved change raises the version, and only that starts anew
  useEffect(() => setEntries(held), [version]);
  const changes = changedEntries(entries, project.finding_types);
  const problem = changes.length ? problemsOf(entries)[0] : undefined;
  return (
    <>
      <section className="card grow">
        <div className="scroll" style={{ flex: 1 }}>
          <VocabularyEditor entries={entries} problems={problemsOf(entries)} onChange={setEntries} />
        </div>
        <SaveFoot
          dirty={changes.length > 0}
          busy={save.isPending}
          saved={save.isSuccess}
          error={save.error}
          lack={problem ? t(`vocabulary:problem.${problem.kind}`, { ...problem }) : undefined}
          onSave={() => save.mutate(changes)}
          onDiscard={() => setEntries(held)}
        />
      </section>
      <div className="stack" style={{ width: "min(372px, 22vw)", flex: "none", overflow: "auto" }}>
        <PreviewCard entries={entries} />
        <ColourCard entries={entries} />
      </div>
    </>
  );
}
