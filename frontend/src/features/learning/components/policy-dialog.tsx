import { Modal, NumberInput, Select, Switch } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSavePolicy } from "@/features/learning/api/learning";
import type { LeadingMetric, Policy } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";
import { ShareField } from "@/ui/share-field";

const ACQUISITIONS: Policy["acquisition"][] = [
  "entropy",
  "foreground_aware_random",
  "random",
  "clasp_pe",
  "likely_positive",
  "cost_aware",
  "bald",
  "tta_variance",
  "ensemble",
  "k_center",
  "k_means",
];

const GENERIC: NonNullable<Policy["generic_outlines"]>[] = ["off", "until_own", "always"];
const STARTS: Policy["slow_start"][] = ["scratch", "shrink_perturb"];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
/** What new projects begin with. */
const DEFAULT_MARGIN = 0.1;
const NEVER = "never";
const twoDigits = (hour: number) => String(hour).padStart(2, "0");
const DIMENSIONS = [
  ["auto", "auto"],
  ["2d", "images"],
  ["2.5d", "slices"],
  ["3d", "volumes"],
] as const;
const ENCODERS = ["pretrained", "own"] as const;

interface PolicyDialogProps {
  slug: string;
  policy: Policy;
  /** What the versions of the project are measured in. */
  metric: LeadingMetric;
  onClose: () => void;
}

/** When a round starts by itself and how it trains. */
export function PolicyDialog({ slug, policy, metric, onClose }: PolicyDialogProps) {
  const { t } = useTranslation("learning");
  const save = useSavePolicy(slug);
  const [draft, setDraft] = useState(policy);
  const set = (change: Partial<Policy>) => setDraft((now) => ({ ...now, ...change }));
  const numbers: [
    keyof Policy & ("every_n_readings" | "slow_growth" | "steps_warm" | "steps_scratch" | "batch_size" | "seed"),
    number,
    number,
  ][] = [
    ["every_n_readings", 1, 100000],
    ["slow_growth", 0, 1000],
    ["steps_warm", 1, 100000],
    ["steps_scratch", 1, 100000],
    ["batch_size", 1, 1000],
    ["seed", 0, 2 ** 31],
  ];
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("policy.title")}
      size={560}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(draft, { onSuccess: onClose });
        }}
      >
        <Switch
          label={t("policy.enabled")}
          description={t("policy.enabledNote")}
          checked={draft.enabled}
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
        <Select
          label={t("policy.acquisition")}
          description={t(`acquisitionNote.${draft.acquisition}`)}
          data={ACQUISITIONS.map((value) => ({ value, label: t(`acquisition.${value}`) }))}
          value={draft.acquisition}
          allowDeselect={false}
          renderOption={({ option }) => (
            <span>
              <span className="b">{option.label}</span>
              <span className="xs sec" style={{ display: "block" }}>
                {t(`acquisitionNote.${option.value}`)}
              </span>
            </span>
          )}
          onChange={(acquisition) => acquisition && set({ acquisition: acquisition as Policy["acquisition"] })}
        />
        <Select
          label={t("policy.dimension")}
          description={t("policy.dimensionNote")}
          data={DIMENSIONS.map(([value, name]) => ({ value, label: t(`policy.dimensions.${name}`) }))}
          value={draft.dimension ?? "auto"}
          allowDeselect={false}
          onChange={(dimension) => dimension && set({ dimension: dimension as Policy["dimension"] })}
        />
        <Select
          label={t("policy.encoder")}
          description={t("policy.encoderNote")}
          data={ENCODERS.map((value) => ({ value, label: t(`policy.encoders.${value}`) }))}
          value={draft.encoder ?? "pretrained"}
          allowDeselect={false}
          onChange={(encoder) => encoder && set({ encoder: encoder as Policy["encoder"] })}
        />
        <Switch
          label={t("policy.learns_unread")}
          description={t("policy.learnsUnreadNote")}
          checked={draft.learns_unread ?? true}
          onChange={(event) => set({ learns_unread: event.currentTarget.checked })}
        />
        <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 16 }}>
          <NumberInput
            label={t("policy.image_size")}
            placeholder={t("policy.imageSizeAuto")}
            value={draft.image_size ?? ""}
            min={32}
            max={512}
            step={32}
            allowDecimal={false}
            onChange={(value) => set({ image_size: value === "" ? null : Number(value) })}
          />
          {numbers.map(([field, min, max]) => (
            <NumberInput
              key={field}
              label={t(`policy.${field}`)}
              value={draft[field]}
              min={min}
              max={max}
              allowDecimal={false}
              onChange={(value) => set({ [field]: Number(value) || min })}
            />
          ))}
          <Select
            label={t("policy.slow_hour")}
            data={[
              { value: NEVER, label: t("policy.never") },
              ...HOURS.map((hour) => ({
                value: String(hour),
                label: t("policy.hour", { hour: twoDigits(hour) }),
              })),
            ]}
            value={draft.slow_hour === null ? NEVER : String(draft.slow_hour)}
            allowDeselect={false}
            onChange={(hour) => set({ slow_hour: hour === null || hour === NEVER ? null : Number(hour) })}
          />
          <Select
            style={{ gridColumn: "1 / -1" }}
            label={t("policy.slow_start")}
            description={t(`policy.slowStartNote.${draft.slow_start}`)}
            data={STARTS.map((value) => ({ value, label: t(`policy.slowStart.${value}`) }))}
            value={draft.slow_start}
            allowDeselect={false}
            onChange={(start) => start && set({ slow_start: start as Policy["slow_start"] })}
          />
        </div>
        <ShareField
          label={t("policy.random_share")}
          note={t("policy.randomNote")}
          value={draft.random_share}
          onChange={(random_share) => set({ random_share })}
        />
        <ShareField
          label={t("policy.target_dice", { metric: t(`metric.${metric}`) })}
          note={t("policy.targetNote")}
          value={draft.target_dice}
          write={decimal}
          onChange={(target) => set({ target_dice: Math.min(0.99, Math.max(0.01, target)) })}
        />
        <fieldset className="stack" style={{ border: 0, padding: 0, margin: 0 }}>
          <legend className="sm sec" style={{ fontWeight: 500, padding: 0, marginBottom: 6 }}>
            {t("policy.gate")}
          </legend>
          <Select
            aria-label={t("policy.gate")}
            description={t("policy.looseNote")}
            data={[
              { value: "unless", label: t("policy.gate_unless") },
              { value: "margin", label: t("policy.gate_margin") },
            ]}
            value={draft.gate_margin === null ? "unless" : "margin"}
            allowDeselect={false}
            onChange={(value) =>
              set({ gate_margin: value === "margin" ? (policy.gate_margin ?? DEFAULT_MARGIN) : null })
            }
          />
          {typeof draft.gate_margin === "number" ? (
            <ShareField
              label={t(`policy.marginValue.${metric}`)}
              note={t("policy.marginNote")}
              value={draft.gate_margin}
              max={0.2}
              write={decimal}
              onChange={(gate_margin) => set({ gate_margin })}
            />
          ) : null}
          <Switch
            label={t("policy.unproven_serves")}
            description={t(`policy.unprovenNote.${metric}`)}
            checked={draft.unproven_serves}
            onChange={(event) => set({ unproven_serves: event.currentTarget.checked })}
          />
        </fieldset>
        {policy.generic_available ? (
          <Select
            label={t("policy.generic_outlines")}
            description={t("policy.genericNote")}
            data={GENERIC.map((value) => ({ value, label: t(`policy.generic.${value}`) }))}
            value={draft.generic_outlines}
            allowDeselect={false}
            onChange={(value) => set({ generic_outlines: value as Policy["generic_outlines"] })}
          />
        ) : null}
        <ErrorLine error={save.error} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button variant="primary" type="submit" busy={save.isPending}>
            {t("common:save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
