import { NumberInput } from "@mantine/core";

interface FalsePositivesFieldProps {
  label: string;
  note: string;
  placeholder: string;
  /** Per image; null: no limit. */
  value: number | null;
  onChange: (value: number | null) => void;
}

/** How many false findings per image the lead allows a new version to show; an empty field allows any number. */
export function FalsePositivesField({ label, note, placeholder, value, onChange }: FalsePositivesFieldProps) {
  return (
    <NumberInput
      label={label}
      description={note}
      placeholder={placeholder}
      value={value ?? ""}
      min={0.01}
      max={50}
      step={0.25}
      decimalScale={2}
      styles={{ wrapper: { width: 180 } }}
      // A lone "0" or "0." is on the way to a number, and none the server takes.
      onChange={(next) => onChange(Number(next) > 0 ? Math.min(50, Number(next)) : null)}
    />
  );
}
