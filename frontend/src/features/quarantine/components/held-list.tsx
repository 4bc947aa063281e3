import { useTranslation } from "react-i18next";
import type { QuarantinedFile } from "@/lib/api-types";
import { count, day, middle } from "@/lib/format";
import { Card } from "@/ui/card";

interface HeldListProps {
  files: QuarantinedFile[];
  chosen: string;
  decided: number;
  onChoose: (id: string) => void;
}

/** The images that wait, the first that came first: what they are called, of which device, why, and until when. */
export function HeldList({ files, chosen, decided, onChoose }: HeldListProps) {
  const { t } = useTranslation("quarantine");
  return (
    <Card
      title={t("held")}
      note={decided ? t("decided", { count: decided }) : undefined}
      bare
      style={{ width: 320, flex: "none", display: "flex", flexDirection: "column", minHeight: 0 }}
    >
      <ul style={{ overflow: "auto", margin: 0, padding: 0, listStyle: "none" }}>
        {files.map((file) => {
          const device = `${file.manufacturer} ${file.model}`.trim();
          const isChosen = file.id === chosen;
          return (
            <li key={file.id}>
              <button
                type="button"
                aria-current={isChosen ? "true" : undefined}
                onClick={() => onChoose(file.id)}
                style={{
                  display: "block",
                  width: "100%",
                  padding: "10px 16px",
                  textAlign: "start",
                  border: 0,
                  borderTop: "1px solid var(--n4)",
                  background: isChosen ? "var(--n4)" : "transparent",
                  color: "inherit",
                  cursor: "pointer",
                }}
              >
                <span className="row sb">
                  <span className="mono ell" title={file.name}>
                    {middle(file.name || t("unnamed"), 26)}
                  </span>
                  <span className="sm sec nw">{file.modality}</span>
                </span>
                <span className="sm sec" style={{ display: "block", marginTop: 3 }}>
                  {[device, t("size", { columns: count(file.columns), rows: count(file.rows) })]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
                <span className="sm q" style={{ display: "block", marginTop: 3 }}>
                  {file.why ? t(`why.${file.why}`) : file.reason} {t("expires", { date: day(file.expires_at) })}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
