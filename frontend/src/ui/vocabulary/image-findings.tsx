import { IconPlus, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Entry } from "@/lib/vocabulary";
import { Button, IconButton } from "@/ui/button";
import { KeyField } from "@/ui/vocabulary/entry-row";

interface ImageFindingsProps {
  entries: Entry[];
  bad: Set<string>;
  onAdd: () => void;
  onChange: (uid: string, change: Partial<Entry>) => void;
  onRemove: (entry: Entry) => void;
}

/** What can be said of the image as a whole, one key each. */
export function ImageFindings({ entries, bad, onAdd, onChange, onRemove }: ImageFindingsProps) {
  const { t } = useTranslation("vocabulary");
  return (
    <section style={{ padding: "18px 16px", borderTop: "1px solid var(--n5)" }}>
      <h3 style={{ marginBottom: 10 }}>{t("imageFindings")}</h3>
      <div className="row" style={{ gap: 12, flexWrap: "wrap" }}>
        {entries.map((entry) => (
          <span key={entry.uid} className="row" style={{ gap: 4 }}>
            <KeyField value={entry.key} name={entry.name} onChange={(key) => onChange(entry.uid, { key })} />
            <span
              className="in d"
              style={{ width: 168, borderColor: bad.has(entry.uid) ? "var(--bad)" : undefined }}
            >
              <input
                value={entry.name}
                maxLength={80}
                placeholder={t("imagePlaceholder")}
                aria-label={t("name")}
                onChange={(event) => onChange(entry.uid, { name: event.currentTarget.value })}
              />
            </span>
            <IconButton
              label={t(entry.id === undefined ? "remove" : "retire")}
              style={{ width: 26, height: 26 }}
              onClick={() => onRemove(entry)}
            >
              <IconX size={14} stroke={1.6} />
            </IconButton>
          </span>
        ))}
        <Button dense variant="ghost" icon={<IconPlus size={16} stroke={1.6} />} onClick={onAdd}>
          {t("addImage")}
        </Button>
      </div>
    </section>
  );
}
