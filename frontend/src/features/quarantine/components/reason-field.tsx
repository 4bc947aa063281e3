import { Textarea } from "@mantine/core";
import { useTranslation } from "react-i18next";

interface ReasonFieldProps {
  value: string;
  onChange: (value: string) => void;
  required?: boolean;
  /** The first thing to be filled in where a dialog opens. */
  first?: boolean;
}

/** Why a lead does what he does, for the audit trail. */
export function ReasonField({ value, onChange, required = false, first = false }: ReasonFieldProps) {
  const { t } = useTranslation("quarantine");
  return (
    <Textarea
      data-autofocus={first || undefined}
      label={t("reason")}
      description={t("reasonNote")}
      value={value}
      maxLength={500}
      autosize
      minRows={2}
      required={required}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
