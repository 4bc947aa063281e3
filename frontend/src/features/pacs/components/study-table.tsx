import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { Fragment, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSeries } from "@/features/pacs/api/pacs";
import { type Chosen, toggleSeries, toggleStudy } from "@/features/pacs/chosen-studies";
import type { FoundStudy } from "@/lib/api-types";
import { count, DASH } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { useKeys } from "@/lib/use-keys";

interface StudyTableProps {
  slug: string;
  node: string;
  studies: FoundStudy[];
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
}

/** What a search found. J K ↑ ↓ move, X or Space picks, Enter opens the series. */
export function StudyTable({ slug, node, studies, chosen, onChoose }: StudyTableProps) {
  const { t } = useTranslation("pacs");
  const [at, setAt] = useState(0);
  const [opened, open] = useState<string>();
  const rows = useRef<(HTMLTableRowElement | null)[]>([]);
  const current = studies[at];
  const move = (step: number) => {
    const next = Math.max(0, Math.min(studies.length - 1, at + step));
    setAt(next);
    rows.current[next]?.scrollIntoView({ block: "nearest" });
  };
  const pick = () => current && onChoose(toggleStudy(chosen, current.study_instance_uid));
  const toggle = (uid: string) => open(opened === uid ? undefined : uid);
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    arrowdown: () => move(1),
    arrowup: () => move(-1),
    x: pick,
    space: pick,
    enter: () => current && toggle(current.study_instance_uid),
  });
  useEffect(() => {
    if (at >= studies.length) setAt(0);
  }, [at, studies.length]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too
    <section className="scroll" style={{ flex: 1 }} tabIndex={0} aria-label={t("results")}>
      <table>
        <thead>
          <tr>
            <th aria-label={t("pick")} style={{ width: 40 }} />
            <th>{t("column.patient")}</th>
            <th>{t("column.id")}</th>
            <th>{t("column.date")}</th>
            <th>{t("column.modality")}</th>
            <th style={{ width: "30%" }}>{t("column.description")}</th>
            <th>{t("column.accession")}</th>
            <th className="r">{t("column.images")}</th>
            <th aria-label={t("series")} style={{ width: 40 }} />
          </tr>
        </thead>
        <tbody>
          {studies.map((study, index) => {
            const uid = study.study_instance_uid;
            const picked = chosen.get(uid);
            const isOpen = opened === uid;
            return (
              <Fragment key={uid}>
                <tr
                  ref={(row) => {
                    rows.current[index] = row;
                  }}
                  className={`go${index === at ? " on" : ""}`}
                  onClick={() => setAt(index)}
                >
                  <td>
                    <Tick
                      label={t("pickStudy", {
                        name: study.patient_name || study.patient_id,
                        date: day(study.study_date),
                      })}
                      on={picked === "all"}
                      some={picked !== undefined && picked !== "all"}
                      onChange={() => onChoose(toggleStudy(chosen, uid))}
                    />
                  </td>
                  <td className="b ell" style={{ maxWidth: 220 }}>
                    {study.patient_name.replaceAll("^", " ") || DASH}
                    {study.patient_sex ? <span className="q"> {study.patient_sex}</span> : null}
                  </td>
                  <td className="mono sec ell" style={{ maxWidth: 140 }}>
                    {study.patient_id || DASH}
                  </td>
                  <td className="num sec">{day(study.study_date)}</td>
                  <td className="sec">{study.modalities.join(", ") || DASH}</td>
                  <td className="ell" style={{ maxWidth: 0 }} title={study.study_description}>
                    {study.study_description || DASH}
                  </td>
                  <td className="mono sec ell" style={{ maxWidth: 140 }}>
                    {study.accession_number || DASH}
                  </td>
                  <td className="r num sec">
                    {study.number_of_instances === null ? DASH : count(study.number_of_instances)}
                  </td>
                  <td>
                    <button
                      type="button"
                      className="tool"
                      style={{ width: 24, height: 24 }}
                      aria-label={t("showSeries")}
                      aria-expanded={isOpen}
                      onClick={() => {
                        setAt(index);
                        toggle(uid);
                      }}
                    >
                      {isOpen ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
                    </button>
                  </td>
                </tr>
                {isOpen ? <SeriesRows {...{ slug, node, study: uid, chosen, onChoose }} /> : null}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

interface SeriesRowsProps extends Omit<StudyTableProps, "studies"> {
  study: string;
}

function SeriesRows({ slug, node, study, chosen, onChoose }: SeriesRowsProps) {
  const { t } = useTranslation("pacs");
  const series = useSeries(slug, node, study);
  if (!series.data || series.data.length === 0) {
    const words = series.isPending
      ? t("asking")
      : series.isError
        ? serverWords(series.error.message, t)
        : t("noSeries");
    return (
      <tr>
        <td />
        <td colSpan={8} className={`sm ${series.isError ? "" : "q"}`} role={series.isError ? "alert" : undefined}>
          {words}
        </td>
      </tr>
    );
  }
  const all = series.data.map((one) => one.series_instance_uid);
  const picked = chosen.get(study);
  return series.data.map((one) => (
    <tr key={one.series_instance_uid} className="pacs-series">
      <td />
      <td colSpan={3}>
        <span className="row">
          <Tick
            label={t("pickSeries", { name: one.series_description || one.series_number || one.modality })}
            on={picked === "all" || Boolean(picked?.has(one.series_instance_uid))}
            onChange={() => onChoose(toggleSeries(chosen, study, one.series_instance_uid, all))}
          />
          <span className="sm sec">{t("seriesNumber", { number: one.series_number || DASH })}</span>
        </span>
      </td>
      <td className="sm sec">{one.modality || DASH}</td>
      <td className="sm ell" style={{ maxWidth: 0 }} colSpan={2}>
        {one.series_description || DASH}
      </td>
      <td className="r num sm sec">{one.number_of_instances === null ? DASH : count(one.number_of_instances)}</td>
      <td />
    </tr>
  ));
}

interface TickProps {
  label: string;
  on: boolean;
  /** Some of what it stands for is picked. */
  some?: boolean;
  onChange: () => void;
}

export function Tick({ label, on, some = false, onChange }: TickProps) {
  return (
    <input
      type="checkbox"
      className="pacs-tick"
      aria-label={label}
      checked={on}
      ref={(box) => {
        if (box) box.indeterminate = some;
      }}
      onChange={onChange}
      onClick={(event) => event.stopPropagation()}
    />
  );
}

/** 20240311 as 2024-03-11; whatever else a PACS says stays as it is. */
function day(text: string): string {
  return /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text || DASH;
}
