import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { NOT_LOOKED_FOR, optionsOf, type ReadingsChoice } from "@/features/imports/readings-choice";
import type { ImportFormat } from "@/lib/api-types";
import { formatTitle } from "@/lib/format-titles";
import { FormatOptionFields } from "@/ui/format-options";

interface ReadingsFieldsProps {
  formats: ImportFormat[];
  choice: ReadingsChoice;
  onChange: (choice: ReadingsChoice) => void;
  /** Where no heading says what format is meant. */
  label?: string;
}

/** In which format readings of other programs lie among the files, and how that format is read. */
export function ReadingsFields({ formats, choice, onChange, label }: ReadingsFieldsProps) {
  const { t } = useTranslation("imports");
  const { format } = choice;
  const note = format === NOT_LOOKED_FOR ? "offNote" : format ? "chosenNote" : "byItselfNote";
  return (
    <>
      <Select
        label={label ?? t("readings.format")}
        description={t(`readings.${note}`)}
        inputWrapperOrder={["label", "input", "description", "error"]}
        data={[
          { value: "", label: t("readings.byItself") },
          { value: NOT_LOOKED_FOR, label: t("readings.off") },
          ...formats.map((one) => ({ value: one.name, label: formatTitle(one, t) })),
        ]}
        value={format}
        allowDeselect={false}
        searchable
        selectFirstOptionOnChange
        onChange={(value) => onChange({ format: value ?? "", values: {} })}
      />
      <FormatOptionFields
        options={optionsOf(choice, formats)}
        values={choice.values}
        onChange={(values) => onChange({ format, values })}
      />
    </>
  );
}
