import { Checkbox, MultiSelect, Select, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useExportFormats, useExportPreview, useStartExport } from "@/features/exports/api/exports";
import { LossList } from "@/features/exports/components/loss-list";
import type { ExportOrder, Project } from "@/lib/api-types";
import { count } from "@/lib/format";
import { areMeant, setOptions } from "@/lib/format-options";
import { formatTitle } from "@/lib/format-titles";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { FormatOptionFields } from "@/ui/format-options";
import { Segmented } from "@/ui/segmented";

const SPLITS = ["POOL", "VALIDATION", "HOLDOUT", "EMBARGOED"] as const;
type ExportSplit = (typeof SPLITS)[number];
const REVIEWS = ["agreed", "edited", "none"] as const;
type ExportReview = (typeof REVIEWS)[number];
const FIRST = "coco";

/** What is to go out, in which format, and what that format cannot carry of it, before anything is written. */
export function OrderCard({ project }: { project: Project }) {
  const { t } = useTranslation("exports");
  const slug = project.slug;
  const formats = useExportFormats(slug);
  const [format, setFormat] = useState(FIRST);
  const [pictures, setPictures] = useState<"reference" | "alongside">("reference");
  const [readers, setReaders] = useState<string[]>([]);
  const [types, setTypes] = useState<string[]>([]);
  const [splits, setSplits] = useState<ExportSplit[]>([]);
  const [reviews, setReviews] = useState<ExportReview[]>([]);
  const [since, setSince] = useState("");
  const [until, setUntil] = useState("");
  const [superseded, setSuperseded] = useState(false);
  const [values, setValues] = useState<Record<string, string>>({});
  const options = formats.data?.find((one) => one.name === format)?.options ?? [];
  const known = useExportPreview(slug, { format: FIRST, pictures: false });
  const models = new Set(known.data?.readers.filter((one) => one.kind === "model").map((one) => String(one.id)));
  const order: ExportOrder = {
    format,
    pictures: pictures === "alongside",
    options: setOptions(options, values),
    filter: {
      readers: readers.map(Number),
      finding_types: types.map(Number),
      splits,
      reviews,
      since: since || null,
      until: until || null,
      models: readers.some((id) => models.has(id)),
      superseded,
    },
  };
  const preview = useExportPreview(slug, order);
  const start = useStartExport(slug);
  const counts = preview.data?.counts;
  const nLost = preview.data?.losses.length ?? 0;
  const lost = useRef<HTMLDivElement>(null);
  const hasNone = counts?.readings === 0;
  const lesionTypes = project.finding_types.filter((type) => type.scope === "lesion");

  return (
    <Card title={t("new")} style={{ flex: "none" }}>
      <div className="stack">
        <Select
          label={t("format")}
          allowDeselect={false}
          value={format}
          onChange={(value) => {
            if (!value) return;
            setFormat(value);
            setValues({});
          }}
          data={(formats.data ?? []).map((one) => ({ value: one.name, label: formatTitle(one, t) }))}
        />
        <div className="col" style={{ gap: 6 }}>
          <span className="sm sec" style={{ fontWeight: 500 }}>
            {t("pictures")}
          </span>
          <Segmented
            fill
            label={t("pictures")}
            value={pictures}
            onChange={setPictures}
            options={[
              { value: "reference", label: t("reference") },
              { value: "alongside", label: t("alongside") },
            ]}
          />
          <span className="q sm">{t("picturesNote")}</span>
        </div>
        <FormatOptionFields options={options} values={values} onChange={setValues} />
        <MultiSelect
          label={t("readers")}
          placeholder={readers.length ? undefined : t("allReaders")}
          value={readers}
          onChange={setReaders}
          data={(known.data?.readers ?? []).map((one) => ({
            value: String(one.id),
            label: `${one.name} (${t(`kind.${one.kind}`)}, ${count(one.readings)})`,
          }))}
        />
        <Checkbox
          label={t("superseded")}
          checked={superseded}
          onChange={(event) => setSuperseded(event.currentTarget.checked)}
        />
        {order.filter?.models ? <span className="q sm">{t("modelNote")}</span> : null}
        <MultiSelect
          label={t("types")}
          placeholder={types.length ? undefined : t("allTypes")}
          value={types}
          onChange={setTypes}
          data={lesionTypes.map((type) => ({ value: String(type.id), label: type.name }))}
        />
        <MultiSelect
          label={t("splits")}
          placeholder={splits.length ? undefined : t("allSplits")}
          value={splits}
          onChange={(values) => setSplits(SPLITS.filter((split) => values.includes(split)))}
          data={[...SPLITS]}
        />
        <MultiSelect
          label={t("reviews")}
          placeholder={reviews.length ? undefined : t("allReviews")}
          value={reviews}
          onChange={(values) => setReviews(REVIEWS.filter((review) => values.includes(review)))}
          data={REVIEWS.map((review) => ({ value: review, label: t(`review.${review}`) }))}
        />
        <div className="row" style={{ gap: 12 }}>
          <TextInput
            className="grow"
            type="date"
            label={t("since")}
            value={since}
            onChange={(event) => setSince(event.currentTarget.value)}
          />
          <TextInput
            className="grow"
            type="date"
            label={t("until")}
            value={until}
            onChange={(event) => setUntil(event.currentTarget.value)}
          />
        </div>
        {preview.isError ? (
          <ErrorState error={preview.error} retry={() => void preview.refetch()} />
        ) : counts ? (
          <div ref={lost} className="col" style={{ gap: 8, scrollMarginBottom: 120 }}>
            {hasNone ? null : preview.data?.losses.length ? (
              <div className="alert warn" style={{ alignItems: "flex-start" }}>
                <IconAlertTriangle
                  size={16}
                  stroke={1.6}
                  style={{ flex: "none", marginTop: 2 }}
                  aria-hidden="true"
                />
                <div className="col" style={{ gap: 4 }}>
                  <b className="b">{t("lost")}</b>
                  <LossList losses={preview.data.losses} />
                </div>
              </div>
            ) : (
              <div className="alert ok">
                <IconCheck size={16} stroke={1.6} aria-hidden="true" />
                {t("lostNothing")}
              </div>
            )}
          </div>
        ) : null}
      </div>
      <footer
        className="stack"
        // What orders the export stays in sight, however long the form above it.
        style={{
          position: "sticky",
          bottom: 0,
          margin: "16px -16px -16px",
          padding: "12px 16px 16px",
          gap: 8,
          background: "var(--n2)",
          borderRadius: "0 0 var(--r3) var(--r3)",
          borderTop: "1px solid var(--n5)",
        }}
      >
        <ErrorLine error={start.error} />
        {counts && !preview.isError ? (
          <div className="sm" aria-live="polite">
            <span className={hasNone ? "q" : "sec"}>
              {hasNone
                ? t("nothing")
                : t("counts", {
                    readings: t("readings", { count: counts.readings, shown: count(counts.readings ?? 0) }),
                    readers: t("readersCount", { count: counts.readers, shown: count(counts.readers ?? 0) }),
                    cases: t("cases", { count: counts.cases, shown: count(counts.cases ?? 0) }),
                    lesions: t("lesions", { count: counts.lesions, shown: count(counts.lesions ?? 0) }),
                  })}
            </span>{" "}
            {!hasNone && nLost ? (
              <button
                type="button"
                className="lost"
                onClick={() => lost.current?.scrollIntoView({ block: "end" })}
              >
                {t("lostCount", { count: nLost, shown: count(nLost) })}
              </button>
            ) : null}
          </div>
        ) : null}
        <Button
          variant="primary"
          busy={start.isPending}
          disabled={!counts || hasNone || !areMeant(options, values)}
          onClick={() => start.mutate(order)}
        >
          {t("start")}
        </Button>
      </footer>
    </Card>
  );
}
