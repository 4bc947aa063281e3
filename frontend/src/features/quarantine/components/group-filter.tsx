import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { QuarantineGroup } from "@/lib/api-types";
import { count } from "@/lib/format";
import { serverWords } from "@/lib/server-words";

interface GroupFilterProps {
  groups: QuarantineGroup[];
  value: string;
  onChange: (group: string) => void;
}

/** The reasons for which files wait, each with how many; one of them, or all. */
export function GroupFilter({ groups, value, onChange }: GroupFilterProps) {
  const { t } = useTranslation("quarantine");
  const all = groups.reduce((sum, one) => sum + one.count, 0);
  const words = (one: QuarantineGroup) => (one.why ? t(`why.${one.why}`) : serverWords(one.reason, t));
  return (
    <Select
      aria-label={t("group")}
      size="xs"
      data={[
        { value: "", label: t("allReasons", { shown: count(all) }) },
        ...groups.map((one) => ({
          value: one.group,
          label: t("reasonCount", { reason: words(one), shown: count(one.count) }),
        })),
      ]}
      value={groups.some((one) => one.group === value) ? value : ""}
      allowDeselect={false}
      onChange={(group) => onChange(group ?? "")}
    />
  );
}
