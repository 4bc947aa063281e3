import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { confusions, seenAs, VISIONS } from "@/lib/colours";
import type { Entry } from "@/lib/vocabulary";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";

/** The types' colours as four kinds of eyes see them, and whether any two would be confused. */
export function ColourCard({ entries }: { entries: Entry[] }) {
  const { t } = useTranslation("vocabulary");
  const lesions = entries.filter((entry) => entry.scope === "lesion" && !entry.retired);
  const colours = lesions.map((entry) => entry.colour);
  const found = confusions(colours);
  if (lesions.length === 0) return null;
  const chip = found.length ? (
    <Chip tone="bad" icon={<IconAlertTriangle />}>
      {t("tooNear")}
    </Chip>
  ) : (
    <Chip tone="ok" icon={<IconCheck />}>
      {t("distinct")}
    </Chip>
  );
  return (
    <Card title={t("colours")} actions={chip} style={{ flex: "none" }}>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: "14px 12px" }}>
        {VISIONS.map((vision) => (
          <div key={vision}>
            <div className="row" style={{ gap: 5 }}>
              {lesions.map((entry) => (
                <span
                  key={entry.uid}
                  title={entry.name}
                  style={{
                    flex: "1 1 0",
                    maxWidth: 28,
                    height: 20,
                    borderRadius: 3,
                    background: seenAs(entry.colour, vision),
                  }}
                />
              ))}
            </div>
            <div className="xs q" style={{ marginTop: 5 }}>
              {t(`vision.${vision}`)}
            </div>
          </div>
        ))}
      </div>
      {found.map(({ one, other }) => (
        <p key={`${one}-${other}`} className="sm" style={{ color: "var(--bad)", marginTop: 10 }}>
          {other === "accent"
            ? t("problem.likeAccent", { name: lesions[one]?.name })
            : t("problem.confused", { name: lesions[one]?.name, other: lesions[other]?.name })}
        </p>
      ))}
    </Card>
  );
}
