import { Checkbox } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { DeidOption } from "@/lib/api-types";
import { Segmented } from "@/ui/segmented";

/** The options that are switched by themselves, in the order in which they matter to a reader. */
const SWITCHES: Exclude<DeidOption, "modified_dates" | "full_dates">[] = [
  "clean_pixels",
  "clean_descriptors",
  "patient_characteristics",
  "device_identity",
  "institution_identity",
  "safe_private",
];
type Dates = "modified_dates" | "full_dates" | "removed";

interface DeidOptionsFieldProps {
  value: DeidOption[];
  disabled?: boolean;
  onChange: (options: DeidOption[]) => void;
}

/** What profile basic keeps and removes, option by option (DICOM PS3.15 Annex E), each with what it means. */
export function DeidOptionsField({ value, disabled, onChange }: DeidOptionsFieldProps) {
  const { t } = useTranslation("deid");
  const dates = datesOf(value);
  const others = value.filter((one) => one !== "modified_dates" && one !== "full_dates");
  return (
    <fieldset className="col" style={{ gap: 14, border: 0, padding: 0, margin: 0 }} disabled={disabled}>
      <legend className="sm sec" style={{ fontWeight: 500, marginBottom: 10, padding: 0 }}>
        {t("title")}
      </legend>
      <div>
        <Segmented<Dates>
          label={t("dates")}
          value={dates}
          disabled={disabled}
          onChange={(chosen) => onChange(chosen === "removed" ? others : [chosen, ...others])}
          options={[
            { value: "modified_dates", label: t("short.modified_dates") },
            { value: "removed", label: t("short.removed") },
            { value: "full_dates", label: t("short.full_dates") },
          ]}
        />
        <p className="sm q" style={{ marginTop: 6 }}>
          {t(`note.${dates}`)}
        </p>
      </div>
      {SWITCHES.map((one) => (
        <Checkbox
          key={one}
          label={t(`option.${one}`)}
          description={t(`note.${one}`)}
          checked={value.includes(one)}
          disabled={disabled}
          onChange={(event) =>
            onChange(event.currentTarget.checked ? [...value, one] : value.filter((other) => other !== one))
          }
        />
      ))}
    </fieldset>
  );
}

/** The options of an archive in one line. */
export function DeidOptionsLine({ options }: { options: DeidOption[] }) {
  const { t } = useTranslation("deid");
  const others = SWITCHES.filter((one) => options.includes(one)).map((one) => t(`short.${one}`));
  return <span className="sm q">{[t(`short.${datesOf(options)}`), ...others].join(", ")}</span>;
}

function datesOf(options: DeidOption[]): Dates {
  if (options.includes("full_dates")) return "full_dates";
  return options.includes("modified_dates") ? "modified_dates" : "removed";
}
