import { type ReactNode, type RefObject, useId } from "react";
import { useTranslation } from "react-i18next";
import { useReaders } from "@/features/worklist/api/readers";
import { NO_FILTERS, type WorklistFilters, type WorklistView } from "@/features/worklist/api/worklist";
import type { Project } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import { Button } from "@/ui/button";

interface FilterRowProps {
  project: Project;
  view: WorklistView;
  onChange: (change: Partial<WorklistView>) => void;
  firstRef: RefObject<HTMLSelectElement | null>;
}

const SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
const MODALITIES = ["CR", "CT", "DX", "MG", "MR", "OT", "PT", "SC", "US", "XA"];
const SPLITS = ["POOL", "VALIDATION", "HOLDOUT"];

/** What narrows the list further; a blinded case is found by nothing that the model said. */
export function FilterRow({ project, view, onChange, firstRef }: FilterRowProps) {
  const { t } = useTranslation("worklist");
  const isLead = project.role === "lead";
  const readers = useReaders(project.slug, isLead).data ?? [];
  const set = (name: keyof WorklistFilters) => (value: string) => onChange({ [name]: value });
  const types = project.finding_types.filter((type) => type.retired_in_version === null);
  return (
    <fieldset className="row wl-filters" aria-label={t("filter.title")}>
      <Choice label={t("filter.finding")} value={view.finding} onChange={set("finding")} selectRef={firstRef}>
        {types.map((type) => (
          <option key={type.id} value={type.id}>
            {type.name}
          </option>
        ))}
      </Choice>
      <Choice label={t("filter.score")} value={view.score} onChange={set("score")}>
        {SCORES.map((score) => (
          <option key={score} value={score}>{`≥ ${decimal(score)}`}</option>
        ))}
      </Choice>
      <Choice label={t("filter.modality")} value={view.modality} onChange={set("modality")}>
        {MODALITIES.map((modality) => (
          <option key={modality}>{modality}</option>
        ))}
      </Choice>
      <Days
        label={t("filter.changed")}
        from={view.changed_from}
        to={view.changed_to}
        name="changed"
        {...{ onChange }}
      />
      <Days label={t("filter.study")} from={view.study_from} to={view.study_to} name="study" {...{ onChange }} />
      {isLead ? (
        <>
          <Choice label={t("filter.split")} value={view.split} onChange={set("split")}>
            {SPLITS.map((split) => (
              <option key={split}>{split}</option>
            ))}
          </Choice>
          <Choice label={t("filter.arm")} value={view.arm} onChange={set("arm")}>
            <option value="assisted">{t("assisted")}</option>
            <option value="blinded">{t("blinded")}</option>
          </Choice>
          <Choice label={t("filter.reader")} value={view.reader} onChange={set("reader")}>
            {readers.map((reader) => (
              <option key={reader.username} value={reader.username}>
                {reader.name}
              </option>
            ))}
          </Choice>
          <Choice label={t("filter.burntIn")} value={view.burnt_in} onChange={set("burnt_in")}>
            <option value="reported">{t("filter.reported")}</option>
          </Choice>
        </>
      ) : null}
      <Button dense variant="ghost" onClick={() => onChange(NO_FILTERS)}>
        {t("filter.clear")}
      </Button>
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  selectRef?: RefObject<HTMLSelectElement | null>;
  children: ReactNode;
}

function Choice({ label, value, onChange, selectRef, children }: ChoiceProps) {
  const { t } = useTranslation("worklist");
  const id = useId();
  return (
    <span className="wl-filter">
      <label className="xs q" htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        ref={selectRef}
        className={`in d${value ? " on" : ""}`}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        <option value="">{t("filter.any")}</option>
        {children}
      </select>
    </span>
  );
}

interface DaysProps {
  label: string;
  name: "changed" | "study";
  from: string;
  to: string;
  onChange: (change: Partial<WorklistView>) => void;
}

function Days({ label, name, from, to, onChange }: DaysProps) {
  const { t } = useTranslation("worklist");
  const field = (end: "from" | "to", value: string) => (
    <input
      type="date"
      className={`in d num${value ? " on" : ""}`}
      aria-label={t(`filter.${end}`, { what: label })}
      value={value}
      onChange={(event) => onChange({ [`${name}_${end}`]: event.currentTarget.value })}
    />
  );
  return (
    <span className="wl-filter">
      <span className="xs q">{label}</span>
      <span className="row" style={{ gap: 4 }}>
        {field("from", from)}
        <span className="q" aria-hidden="true">
          –
        </span>
        {field("to", to)}
      </span>
    </span>
  );
}
