import { NumberInput, TextInput } from "@mantine/core";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { FormatOption } from "@/lib/api-types";
import { lackOf } from "@/lib/format-options";
import { Segmented } from "@/ui/segmented";

interface FormatOptionFieldsProps {
  options: FormatOption[];
  values: Record<string, string>;
  onChange: (values: Record<string, string>) => void;
}

/** A field for each option that a format declares. */
export function FormatOptionFields({ options, values, onChange }: FormatOptionFieldsProps) {
  return options.map((option) => (
    <OptionField
      key={option.name}
      option={option}
      value={values[option.name] ?? ""}
      onChange={(value) => onChange({ ...values, [option.name]: value })}
    />
  ));
}

interface OptionFieldProps {
  option: FormatOption;
  value: string;
  onChange: (value: string) => void;
}

function OptionField({ option, value, onChange }: OptionFieldProps) {
  const { t } = useTranslation("formats");
  const note = useId();
  const words = `option.${option.words}`;
  const label = t(`${words}.label`, { defaultValue: option.name });
  const help = t(`${words}.help`, { defaultValue: option.help });
  const lack = lackOf(option, value);
  const error = lack ? t(`lack.${lack}`) : undefined;
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
