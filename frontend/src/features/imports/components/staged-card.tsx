import { Select, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { labelCandidates } from "@/features/imports/staged-labels";
import type { ImportOptions, Project } from "@/lib/api-types";
import type { NamedFile } from "@/lib/dropped-files";
import { bytes, count } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";

interface StagedCardProps {
  files: NamedFile[];
  archive: Project["archive"];
  onImport: (options: ImportOptions) => void;
  onCancel: () => void;
}

/** The files chosen, and what comes along with them, before anything is sent. */
export function StagedCard({ files, archive, onImport, onCancel }: StagedCardProps) {
  const { t } = useTranslation("imports");
  const found = useMemo(() => labelCandidates(files), [files]);
  const [masks, setMasks] = useState<string | null>(found.masks);
  const [boxes, setBoxes] = useState<string | null>(found.boxes);
  const [labels, setLabels] = useState<string | null>(found.labels);
  const [reader, setReader] = useState("");
  const size = files.reduce((total, { file }) => total + file.size, 0);
  const hasLabels = Boolean(masks || boxes || labels);
  const submit = () => {
    const options: ImportOptions = {};
    if (masks) options.masks_prefix = `${masks}/`;
    if (boxes) options.boxes_file = boxes;
    if (labels) options.labels_file = labels;
    if (hasLabels && reader.trim()) options.imported_reader = reader.trim();
    onImport(options);
  };
  const folderItems = found.folders.map(({ path, files: n }) => ({ value: path, label: `${path} (${count(n)})` }));
  return (
    <Card
      title={t("staged.title", { count: files.length, shown: count(files.length) })}
      note={bytes(size)}
      style={{ flex: "none" }}
    >
      <form
        className="stack"
        style={{ gap: 12 }}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <dl className="kv">
          <dt>{t("staged.archive")}</dt>
          <dd>{archive.name}</dd>
          <dt>{t("staged.deid")}</dt>
          <dd>{t(`deid.${archive.deid_profile}`, { defaultValue: archive.deid_profile })}</dd>
        </dl>
        <h3>{t("staged.along")}</h3>
        {found.folders.length || found.tables.length ? (
          <>
            {found.folders.length ? (
              <Select
                label={t("staged.masks")}
                placeholder={t("staged.none")}
                clearable
                data={folderItems}
                value={masks}
                onChange={setMasks}
              />
            ) : null}
            {found.tables.length ? (
              <>
                <Select
                  label={t("staged.boxes")}
                  placeholder={t("staged.none")}
                  clearable
                  data={found.tables}
                  value={boxes}
                  onChange={setBoxes}
                />
                <Select
                  label={t("staged.labels")}
                  placeholder={t("staged.none")}
                  clearable
                  data={found.tables}
                  value={labels}
                  onChange={setLabels}
                />
              </>
            ) : null}
            {hasLabels ? (
              <TextInput
                label={t("staged.reader")}
                description={t("staged.readerNote")}
                placeholder={t("staged.readerExample")}
                value={reader}
                onChange={(event) => setReader(event.currentTarget.value)}
                required
              />
            ) : null}
          </>
        ) : (
          <p className="sm q">{t("staged.noLabels")}</p>
        )}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button onClick={onCancel}>{t("common:cancel")}</Button>
          <Button variant="primary" type="submit">
            {t("staged.import", { count: files.length, shown: count(files.length) })}
          </Button>
        </div>
      </form>
    </Card>
  );
}
