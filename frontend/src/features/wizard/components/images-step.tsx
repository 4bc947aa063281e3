import { Checkbox, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { StepProps } from "@/features/wizard/components/step-props";
import { api } from "@/lib/api-client";
import type { Project } from "@/lib/api-types";
import { DeidOptionsField } from "@/ui/deid-options";
import { Segmented } from "@/ui/segmented";

/** Modalities by their DICOM code (PS3.3 C.7.3.1.1.1). */
const MODALITIES = ["US", "CT", "MR", "DX", "CR", "MG", "PT", "NM", "XA", "RF", "ES", "OP", "SM", "XC"];

export function ImagesStep({ draft, me, onChange }: StepProps) {
  const { t } = useTranslation("wizard");
  const projects = useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => api.get<Project[]>("/projects/", { signal }),
  });
  const archives = new Map(
    (projects.data ?? []).filter((one) => one.role === "lead").map((one) => [one.archive.slug, one.archive]),
  );
  const known = archives.get(draft.archive);
  const profile = known ? known.deid_profile : draft.deid_profile;
  const keeps = known ? known.keeps_identities : draft.keeps_identities;
  return (
    <div className="form">
      <h2>{t("images.title")}</h2>
      <Select
        label={t("images.modality")}
        data={MODALITIES.map((code) => ({ value: code, label: `${code} · ${t(`modality.${code}`)}` }))}
        value={draft.modality}
        allowDeselect={false}
        searchable
        onChange={(modality) => modality && onChange({ modality })}
      />
      <div>
        <div className="sm sec" style={{ fontWeight: 500, marginBottom: 5 }}>
          {t("images.unit")}
        </div>
        <Segmented
          label={t("images.unit")}
          value={draft.unit}
          onChange={(unit) => onChange({ unit })}
          options={[
            { value: "image", label: t("images.image") },
            { value: "series", label: t("images.series") },
          ]}
        />
        <p className="sm q" style={{ marginTop: 6 }}>
          {t(`images.${draft.unit}Note`)}
        </p>
      </div>
      <Select
        label={t("images.archive")}
        description={t("images.archiveNote")}
        data={[
          { value: "", label: t("images.newArchive") },
          ...[...archives.values()].map((archive) => ({ value: archive.slug, label: archive.name })),
        ]}
        value={draft.archive}
        allowDeselect={false}
        onChange={(archive) => onChange({ archive: archive ?? "" })}
      />
      <div>
        <div className="sm sec" style={{ fontWeight: 500, marginBottom: 5 }}>
          {t("images.deid")}
        </div>
        <Segmented
          label={t("images.deid")}
          value={profile}
          disabled={Boolean(known)}
          onChange={(deid_profile) => onChange({ deid_profile })}
          options={[
            { value: "basic", label: t("images.basic") },
            { value: "none", label: t("images.none") },
          ]}
        />
        <p className="sm q" style={{ marginTop: 6 }}>
          {known ? t("images.deidKnown") : t(`images.${draft.deid_profile === "none" ? "none" : "basic"}Note`)}
        </p>
      </div>
      {profile === "basic" ? (
        <>
          <DeidOptionsField
            value={known ? known.deid_options : draft.deid_options}
            disabled={Boolean(known)}
            onChange={(deid_options) => onChange({ deid_options })}
          />
          <fieldset className="col" style={{ gap: 10, border: 0, padding: 0, margin: 0 }}>
            <legend className="sm sec" style={{ fontWeight: 500, marginBottom: 10, padding: 0 }}>
              {t("images.identities")}
            </legend>
            <Checkbox
              label={t("images.keeps")}
              description={t("images.keepsNote")}
              checked={keeps}
              // A draft that was begun while the server had its key can still be taken back.
              disabled={Boolean(known) || !(me.can_keep_identities || keeps)}
              onChange={(event) => onChange({ keeps_identities: event.currentTarget.checked })}
            />
            {known || me.can_keep_identities ? null : <p className="alert plain">{t("images.noKey")}</p>}
          </fieldset>
        </>
      ) : null}
    </div>
  );
}
