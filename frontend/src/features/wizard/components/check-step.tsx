import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { StepProps } from "@/features/wizard/components/step-props";
import { keepsIdentities, type Step } from "@/features/wizard/draft";
import { count, decimal, percent } from "@/lib/format";
import { Button } from "@/ui/button";
import { DeidOptionsLine } from "@/ui/deid-options";
import { Kbd } from "@/ui/kbd";
import { Swatch } from "@/ui/swatch";

/** Everything once more before it exists, with the way back to each step. */
export function CheckStep({ draft, me, onGo }: StepProps) {
  const { t } = useTranslation(["wizard", "deid"]);
  const pool = 1 - draft.validation_share - draft.holdout_share;
  const sections: [Step, [string, ReactNode][]][] = [
    [
      "question",
      [
        [t("question.name"), draft.name],
        [t("question.question"), draft.question || t("check.none")],
      ],
    ],
    [
      "images",
      [
        [t("images.modality"), `${draft.modality} · ${t(`modality.${draft.modality}`)}`],
        [t("images.unit"), t(`images.${draft.unit}`)],
        [t("images.archive"), draft.archive || t("images.newArchive")],
        [t("images.deid"), draft.archive ? t("images.deidKnown") : t(`images.${draft.deid_profile}`)],
        ...(draft.archive || draft.deid_profile === "none"
          ? []
          : [
              [t("deid:title"), <DeidOptionsLine key="deid" options={draft.deid_options} />] as [
                string,
                ReactNode,
              ],
              [t("images.identities"), t(keepsIdentities(draft) ? "check.kept" : "check.notKept")] as [
                string,
                ReactNode,
              ],
            ]),
      ],
    ],
    ["types", [[t("step.types"), <Types key="types" draft={draft} />]]],
    [
      "members",
      [
        [
          t("step.members"),
          [{ ...me, role: "lead" as const }, ...draft.members]
            .map((one) => `${one.full_name || one.username} (${t(`common:role.${one.role}`)})`)
            .join(", "),
        ],
      ],
    ],
    [
      "splits",
      [
        [
          t("step.splits"),
          `POOL ${percent(pool)}, VALIDATION ${percent(draft.validation_share)}, HOLDOUT ${percent(draft.holdout_share)}`,
        ],
        [t("splits.blindedLabel"), percent(draft.blinded_share)],
      ],
    ],
    [
      "model",
      [
        [t("model.threshold"), decimal(draft.display_threshold)],
        [
          t("model.allowed"),
          draft.false_positives_allowed === null ? t("model.allowedAny") : decimal(draft.false_positives_allowed),
        ],
        [t("model.wanted"), count(draft.readings_wanted)],
        [
          t("model.policy"),
          draft.policy.enabled ? t("check.every", { n: count(draft.policy.every_n_readings) }) : t("check.byHand"),
        ],
        [t("model.laterality"), t(draft.laterality_matters ? "check.yes" : "check.no")],
      ],
    ],
  ];
  return (
    <div className="form" style={{ maxWidth: 820 }}>
      <h2>{t("check.title")}</h2>
      <p className="sec sm">{t("check.note")}</p>
      {sections.map(([step, lines]) => (
        <section key={step} style={{ borderTop: "1px solid var(--n5)", paddingTop: 12, display: "flex", gap: 16 }}>
          <dl className="kv grow" style={{ gridTemplateColumns: "220px 1fr" }}>
            {lines.map(([name, value]) => (
              <Fragment key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </Fragment>
            ))}
          </dl>
          <Button
            dense
            variant="ghost"
            onClick={() => onGo(step)}
            aria-label={t("check.changeStep", { step: t(`step.${step}`) })}
          >
            {t("check.change")}
          </Button>
        </section>
      ))}
    </div>
  );
}

function Types({ draft }: Pick<StepProps, "draft">) {
  return (
    <span className="col" style={{ gap: 6 }}>
      {draft.entries.map((entry) => (
        <span key={entry.uid} className="row">
          {entry.scope === "lesion" ? <Swatch colour={entry.colour} /> : <span style={{ width: 14 }} />}
          {entry.key ? <Kbd>{entry.key}</Kbd> : null}
          {entry.name}
        </span>
      ))}
    </span>
  );
}
