import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ImportOptions } from "@/lib/api-types";

export type Volumes = NonNullable<ImportOptions["volumes"]>;

/** What volumes are where no folder says it: told by their names, all images, or all masks. */
export function VolumesField({ value, onChange }: { value: Volumes; onChange: (value: Volumes) => void }) {
  const { t } = useTranslation("imports");
  return (
    <Select
      label={t("volumes.label")}
      description={t(`volumes.${value || "byName"}Note`)}
      inputWrapperOrder={["label", "input", "description", "error"]}
      data={[
        { value: "", label: t("volumes.byName") },
        { value: "images", label: t("volumes.images") },
        { value: "masks", label: t("volumes.masks") },
      ]}
      value={value}
      allowDeselect={false}
      onChange={(chosen) => onChange((chosen ?? "") as Volumes)}
    />
  );
}
