import { Checkbox } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { GroupFilter } from "@/features/quarantine/components/group-filter";
import type { Selection } from "@/features/quarantine/state/selection";
import type { QuarantinedFile, QuarantineGroup } from "@/lib/api-types";
import { count, day, middle } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";

interface HeldListProps {
  files: QuarantinedFile[];
  /** How many of this reason there are; more than `files` where they are very many. */
  total: number;
  groups: QuarantineGroup[];
  group: string;
  /** The one that is looked at; none while several are chosen. */
  looked?: string;
  chosen: Selection;
  decided: number;
  onGroup: (group: string) => void;
  onLook: (id: string) => void;
  onToggle: (id: string) => void;
  onAll: (all: boolean) => void;
}

/** The images that wait, the first that came first: what they are called, of which device, why, and until when. */
export function HeldList(props: HeldListProps) {
  const { files, total, groups, group, looked, chosen, decided } = props;
  const { t } = useTranslation("quarantine");
  return (
    <Card
      title={t("held")}
      note={decided ? t("decided", { count: decided }) : undefined}
      bare
      style={{ width: 320, flex: "none", display: "flex", flexDirection: "column", minHeight: 0 }}
    >
      <div className="stack" style={{ gap: 10, padding: "0 16px 10px", flex: "none" }}>
        <GroupFilter groups={groups} value={group} onChange={props.onGroup} />
        <Checkbox
          size="xs"
          label={t("chooseAll", { count: files.length, shown: count(files.length) })}
          description={total > files.length ? t("firstOf", { shown: count(total) }) : undefined}
          checked={files.length > 0 && chosen.size === files.length}
          indeterminate={chosen.size > 0 && chosen.size < files.length}
          onChange={(event) => props.onAll(event.currentTarget.checked)}
        />
      </div>
      <ul style={{ overflow: "auto", margin: 0, padding: 0, listStyle: "none", flex: 1 }}>
        {files.map((file) => {
          const device = `${file.manufacturer} ${file.model}`.trim();
          const isLooked = file.id === looked;
          const name = file.name || t("unnamed");
          return (
            <li key={file.id} className={`held-row${isLooked || chosen.has(file.id) ? " on" : ""}`}>
              <Checkbox
                size="xs"
                aria-label={t("choose", { name })}
                checked={chosen.has(file.id)}
                onChange={() => props.onToggle(file.id)}
                style={{ padding: "12px 10px 12px 16px" }}
              />
              <button
                type="button"
                aria-current={isLooked ? "true" : undefined}
                onClick={() => props.onLook(file.id)}
              >
                <span className="row sb">
                  <span className="mono ell" title={file.name}>
                    {middle(name, 24)}
                  </span>
                  <span className="sm sec nw">{file.modality}</span>
                </span>
                <span className="sm sec" style={{ display: "block", marginTop: 3 }}>
                  {[device, t("size", { columns: count(file.columns), rows: count(file.rows) })]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
                <span className="sm q" style={{ display: "block", marginTop: 3 }}>
                  {file.why ? t(`why.${file.why}`) : serverWords(file.reason, t)}{" "}
                  {t("expires", { date: day(file.expires_at) })}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
