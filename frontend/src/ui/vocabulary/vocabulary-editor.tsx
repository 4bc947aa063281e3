import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Entry, newEntry, type Problem } from "@/lib/vocabulary";
import { Button } from "@/ui/button";
import { EntryDetails } from "@/ui/vocabulary/entry-details";
import { EntryRow } from "@/ui/vocabulary/entry-row";
import { ImageFindings } from "@/ui/vocabulary/image-findings";

interface VocabularyEditorProps {
  entries: Entry[];
  problems: Problem[];
  onChange: (entries: Entry[]) => void;
}

/** What a reader can mark: lesion types in a table, findings of the whole image, details of the chosen type. */
export function VocabularyEditor({ entries, problems, onChange }: VocabularyEditorProps) {
  const { t } = useTranslation("vocabulary");
  const lesions = entries.filter((entry) => entry.scope === "lesion" && !entry.retired);
  const [chosenUid, choose] = useState<string>();
  const chosen = lesions.find((entry) => entry.uid === chosenUid) ?? lesions[0];
  const bad = new Set(problems.map((problem) => problem.uid));
  const set = (uid: string, change: Partial<Entry>) =>
    onChange(entries.map((entry) => (entry.uid === uid ? { ...entry, ...change } : entry)));
  // A type that readings may already name is retired, never deleted.
  const remove = (entry: Entry) =>
    entry.id === undefined
      ? onChange(entries.filter(({ uid }) => uid !== entry.uid))
      : set(entry.uid, { retired: true });
  const move = (entry: Entry, step: -1 | 1) => {
    const at = lesions.indexOf(entry);
    const other = lesions[at + step];
    if (!other) return;
    onChange(entries.map((one) => (one.uid === entry.uid ? other : one.uid === other.uid ? entry : one)));
  };
  const add = () => {
    const entry = newEntry("lesion", entries);
    onChange([...entries, entry]);
    choose(entry.uid);
  };
  return (
    <>
      <div className="row" style={{ padding: "14px 16px" }}>
        <div className="grow">
          <h2 style={{ fontSize: 15 }}>{t("title")}</h2>
          <p className="sm q">{t("note")}</p>
        </div>
        <Button icon={<IconPlus size={16} stroke={1.6} />} onClick={add}>
          {t("addType")}
        </Button>
      </div>
      {lesions.length ? (
        <table className="tight" style={{ "--rh": "48px" } as React.CSSProperties}>
          <thead>
            <tr>
              <th aria-label={t("colour")} />
              <th>{t("name")}</th>
              <th>{t("key")}</th>
              <th>{t("marks")}</th>
              <th>{t("code")}</th>
              <th>{t("attributes")}</th>
              <th aria-label={t("more")} />
            </tr>
          </thead>
          <tbody>
            {lesions.map((entry, index) => (
              <EntryRow
                key={entry.uid}
                entry={entry}
                isChosen={entry.uid === chosen?.uid}
                isBad={bad.has(entry.uid)}
                isFirst={index === 0}
                isLast={index === lesions.length - 1}
                onChoose={() => choose(entry.uid)}
                onChange={(change) => set(entry.uid, change)}
                onMove={(step) => move(entry, step)}
                onRemove={() => remove(entry)}
              />
            ))}
          </tbody>
        </table>
      ) : (
        <p className="q" style={{ padding: "8px 16px 20px" }}>
          {t("noTypes")}
        </p>
      )}
      <ImageFindings
        entries={entries.filter((entry) => entry.scope === "image" && !entry.retired)}
        onAdd={() => onChange([...entries, newEntry("image", entries)])}
        onChange={set}
        onRemove={remove}
        bad={bad}
      />
      {chosen ? <EntryDetails entry={chosen} onChange={(change) => set(chosen.uid, change)} /> : null}
    </>
  );
}
