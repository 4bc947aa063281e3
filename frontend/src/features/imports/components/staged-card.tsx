import { Autocomplete, Checkbox, NumberInput, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useImportFormats } from "@/features/imports/api/imports";
import { ColumnsFields } from "@/features/imports/components/columns-fields";
import { ReadingsFields } from "@/features/imports/components/readings-fields";
import { type Volumes, VolumesField } from "@/features/imports/components/volumes-field";
import { isComplete, NOT_LOOKED_FOR, RECOGNISED, readingsOptions } from "@/features/imports/readings-choice";
import { labelCandidates } from "@/features/imports/staged-labels";
import { type Columns, mappingOf } from "@/features/imports/table-columns";
import type { ImportOptions, Project } from "@/lib/api-types";
import type { NamedFile } from "@/lib/dropped-files";
import { bytes, count } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { DeidOptionsLine } from "@/ui/deid-options";
import { ErrorLine } from "@/ui/error-state";
import { Segmented } from "@/ui/segmented";

interface StagedCardProps {
  files: NamedFile[];
  project: Project;
  onImport: (options: ImportOptions) => void;
  onCancel: () => void;
}

type Scope = NonNullable<ImportOptions["findings_scope"]>;

/** The files chosen, and what comes along with them, before anything is sent. */
export function StagedCard({ files, project, onImport, onCancel }: StagedCardProps) {
  const { t } = useTranslation("imports");
  const found = useMemo(() => labelCandidates(files), [files]);
  const [masks, setMasks] = useState(found.masks ?? "");
  const [boxes, setBoxes] = useState(found.boxes ?? "");
  const [labels, setLabels] = useState(found.labels ?? "");
  const [columns, setColumns] = useState<Columns>({});
  const [context, setContext] = useState(found.context ?? "");
  const [isClean, setClean] = useState(false);
  const [reader, setReader] = useState("");
  const [maskType, setMaskType] = useState("");
  const [scope, setScope] = useState<Scope>(found.masks ? "lesion" : "image");
  const [side, setSide] = useState<string | number>("");
  const formats = useImportFormats(project.slug);
  const [readings, setReadings] = useState(RECOGNISED);
  const [volumes, setVolumes] = useState<Volumes>("");
  const cleans = project.archive.deid_profile !== "none";
  const size = files.reduce((total, { file }) => total + file.size, 0);
  const hasLabels = Boolean(masks || boxes || labels);
  // What a zip holds is known only to the server, so its names can be typed.
  const mayHaveLabels = found.folders.length > 0 || found.tables.length > 0 || found.hasZip;
  const types = project.finding_types.filter(
    (type) => type.scope === "lesion" && type.retired_in_version === null,
  );

  const namesFormat = readings.format !== "" && readings.format !== NOT_LOOKED_FOR;
  const isReady = isComplete(readings, formats.data ?? []);

  const submit = () => {
    if (!isReady) return;
    const options: ImportOptions = readingsOptions(readings, formats.data ?? []);
    if (masks) options.masks_prefix = masks.endsWith("/") ? masks : `${masks}/`;
    if (boxes) options.boxes_file = boxes;
    if (boxes && side) options.box_size = [Number(side), Number(side)];
    if (labels) options.labels_file = labels;
    if (labels) options.findings_scope = scope;
    const mapping = labels ? mappingOf(columns) : "";
    if (mapping) options.columns = mapping;
    if (masks && !labels && maskType.trim()) options.mask_type = maskType.trim();
    if ((hasLabels || namesFormat) && reader.trim()) options.imported_reader = reader.trim();
    if (context) options.context_file = context;
    if (volumes) options.volumes = volumes;
    if (context && isClean) options.context_is_clean = true;
    onImport(options);
  };

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
          <dd>{project.archive.name}</dd>
          <dt>{t("staged.deid")}</dt>
          <dd>
            {t(`deid.${project.archive.deid_profile}`)}
            {cleans ? (
              <>
                <br />
                <DeidOptionsLine options={project.archive.deid_options} />
              </>
            ) : null}
          </dd>
        </dl>
        <h3>{t("staged.along")}</h3>
        {mayHaveLabels ? (
          <>
            <Autocomplete
              label={t("staged.masks")}
              placeholder={t("staged.none")}
              data={found.folders}
              value={masks}
              onChange={setMasks}
            />
            <Autocomplete
              label={t("staged.labels")}
              placeholder={t("staged.none")}
              data={found.tables}
              value={labels}
              onChange={(name) => {
                setLabels(name);
                setColumns({});
              }}
            />
            {labels ? (
              <ColumnsFields
                table={files.find(({ name }) => name === labels)?.file}
                columns={columns}
                onChange={setColumns}
              />
            ) : null}
            {labels ? (
              <div>
                <div className="sm sec" style={{ fontWeight: 500, marginBottom: 5 }}>
                  {t("staged.scope")}
                </div>
                <Segmented<Scope>
                  label={t("staged.scope")}
                  value={scope}
                  onChange={setScope}
                  fill
                  options={[
                    { value: "lesion", label: t("staged.scopeLesion") },
                    { value: "image", label: t("staged.scopeImage") },
                  ]}
                />
              </div>
            ) : null}
            {masks && !labels ? (
              <Autocomplete
                label={t("staged.maskType")}
                placeholder="Lesion"
                data={types.map((type) => type.name)}
                value={maskType}
                onChange={setMaskType}
              />
            ) : null}
            <Autocomplete
              label={t("staged.boxes")}
              placeholder={t("staged.none")}
              data={found.tables}
              value={boxes}
              onChange={setBoxes}
            />
            {boxes ? (
              <NumberInput
                label={t("staged.side")}
                placeholder={t("staged.sideNone")}
                value={side}
                min={1}
                allowDecimal={false}
                onChange={setSide}
              />
            ) : null}
            <Autocomplete
              label={t("staged.context")}
              description={context ? t("staged.contextNote") : undefined}
              placeholder={t("staged.none")}
              data={found.tables}
              value={context}
              onChange={setContext}
            />
            {context && !cleans ? <p className="sm sec">{t("staged.contextDuty")}</p> : null}
            {context && cleans ? (
              <Checkbox
                label={t("staged.contextClean")}
                description={t("staged.contextCleanNote")}
                checked={isClean}
                onChange={(event) => setClean(event.currentTarget.checked)}
                required
              />
            ) : null}
          </>
        ) : found.hasVolumes ? null : (
          <p className="sm q">{t("staged.noLabels")}</p>
        )}
        {found.hasVolumes ? <VolumesField value={volumes} onChange={setVolumes} /> : null}
        <h3>{t("readings.title")}</h3>
        <ReadingsFields formats={formats.data ?? []} choice={readings} onChange={setReadings} />
        <ErrorLine error={formats.error} />
        {hasLabels || namesFormat ? (
          <TextInput
            label={t("staged.reader")}
            description={t(hasLabels ? "staged.readerNote" : "staged.readerElseNote")}
            placeholder={t("staged.readerExample")}
            value={reader}
            maxLength={150}
            onChange={(event) => setReader(event.currentTarget.value)}
            required={hasLabels}
          />
        ) : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button onClick={onCancel}>{t("common:cancel")}</Button>
          <Button variant="primary" type="submit" disabled={!isReady}>
            {t("staged.import", { count: files.length, shown: count(files.length) })}
          </Button>
        </div>
      </form>
    </Card>
  );
}
