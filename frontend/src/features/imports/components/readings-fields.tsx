import { NumberInput, Select, TextInput } from "@mantine/core";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { lackOf, NOT_LOOKED_FOR, optionsOf, type ReadingsChoice } from "@/features/imports/readings-choice";
import type { FormatOption, ImportFormat } from "@/lib/api-types";
import { formatTitle } from "@/lib/format-titles";
import { Segmented } from "@/ui/segmented";

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
        maxDropdownHeight={320}
        onChange={(value) => onChange({ format: value ?? "", values: {} })}
      />
      {optionsOf(choice, formats).map((option) => (
        <OptionField
          key={option.name}
          option={option}
          value={choice.values[option.name] ?? ""}
          onChange={(value) => onChange({ format, values: { ...choice.values, [option.name]: value } })}
        />
      ))}
    </>
  );
}

interface OptionFieldProps {
  option: FormatOption;
  value: string;
  onChange: (value: string) => void;
}

function OptionField({ option, value, onChange }: OptionFieldProps) {
  const { t } = useTranslation("imports");
  const note = useId();
  const words = `readings.option.${option.words}`;
  const label = t(`${words}.label`, { defaultValue: option.name });
  const help = t(`${words}.help`, { defaultValue: option.help });
  const lack = lackOf(option, value);
  const error = lack ? t(`readings.lack.${lack}`) : undefined;
  if (option.kind === "choice") {
    return (
      // biome-ignore lint/a11y/useSemanticElements: the radio group inside has the label, this the description
      <div role="group" aria-label={label} aria-describedby={note}>
        <div className="sm sec" style={{ fontWeight: 500, marginBottom: 5 }}>
          {label}
        </div>
        <Segmented
          label={label}
          value={value || option.default}
          onChange={onChange}
          fill
          options={option.choices.map((one) => ({
            value: one,
            label: t(`${words}.choice.${one}`, { defaultValue: one }),
          }))}
        />
        <p id={note} className="sm q" style={{ marginTop: 6 }}>
          {help}
        </p>
      </div>
    );
  }
  const common = {
    label,
    description: help,
    error: error ? <span role="alert">{error}</span> : undefined,
    inputWrapperOrder: ["label", "input", "error", "description"] as (
      | "label"
      | "input"
      | "error"
      | "description"
    )[],
  };
  if (option.kind === "share") {
    return (
      <NumberInput
        {...common}
        placeholder={option.default}
        value={value}
        min={0}
        max={1}
        step={0.05}
        decimalScale={4}
        clampBehavior="none"
        onChange={(given) => onChange(String(given))}
      />
    );
  }
  return (
    <TextInput
      {...common}
      placeholder={t(`${words}.example`, { defaultValue: "" })}
      value={value}
      maxLength={2000}
      spellCheck={false}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
