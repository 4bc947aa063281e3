import { Select } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Columns, columnsOf, HEAD_BYTES, MEANINGS } from "@/features/imports/table-columns";

interface ColumnsFieldsProps {
  /** The table as it was chosen; none where it lies in a zip archive, whose names are typed. */
  table: File | undefined;
  columns: Columns;
  onChange: (columns: Columns) => void;
}

/** Which column of the labels table means what; what is left open is found by its usual name. */
export function ColumnsFields({ table, columns, onChange }: ColumnsFieldsProps) {
  const { t } = useTranslation("imports");
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => {
    let isWanted = true;
    setNames([]);
    table
      ?.slice(0, HEAD_BYTES)
      .text()
      .then((head) => isWanted && setNames(columnsOf(head)))
      .catch(() => {}); // What cannot be read here the server reads, and tells.
    return () => {
      isWanted = false;
    };
  }, [table]);
  if (!names.length) return null;
  return (
    <details className="sm">
      <summary>{t("staged.columns")}</summary>
      <p className="sec" style={{ margin: "6px 0 10px" }}>
        {t("staged.columnsNote")}
      </p>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 12 }}>
        {MEANINGS.map((meaning) => (
          <Select
            key={meaning}
            label={t(`staged.meaning.${meaning}`)}
            placeholder={t("staged.usualName")}
            data={names}
            value={columns[meaning] ?? null}
            clearable
            searchable
            selectFirstOptionOnChange
            onChange={(name) => onChange({ ...columns, [meaning]: name ?? "" })}
          />
        ))}
      </div>
    </details>
  );
}
