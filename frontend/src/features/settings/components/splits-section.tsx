import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useUpdateProject } from "@/features/settings/api/settings";
import { SaveFoot } from "@/features/settings/components/save-foot";
import type { SectionProps } from "@/features/settings/settings-page";
import { count, percent } from "@/lib/format";
import { useSplits } from "@/lib/splits";
import { DeidOptionsLine } from "@/ui/deid-options";
import { ErrorLine } from "@/ui/error-state";
import { ShareField } from "@/ui/share-field";

/** The shares that were fixed at the first import, what became of them, and the one that may change. */
export function SplitsSection({ project }: SectionProps) {
  const { t } = useTranslation("settings");
  const splits = useSplits(project.slug);
  const update = useUpdateProject(project.slug);
  const [blinded, setBlinded] = useState(project.blinded_share);
  const rows: [string, number | null][] = [
    ["POOL", 1 - project.validation_share - project.holdout_share],
    ["VALIDATION", project.validation_share],
    ["HOLDOUT", project.holdout_share],
    ["EMBARGOED", null],
  ];
  const counts = splits.data as Record<string, number> | undefined;
  return (
    <section className="card grow">
      <div className="scroll" style={{ flex: 1 }}>
        <div className="form">
          <p className="sec sm">{t("splits.note")}</p>
          <ErrorLine error={splits.error} />
          <table style={{ "--rh": "34px" } as React.CSSProperties}>
            <thead>
              <tr>
                <th>{t("splits.split")}</th>
                <th>{t("splits.use")}</th>
                <th className="r">{t("splits.share")}</th>
                <th className="r">{t("splits.cases")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([split, share]) => (
                <tr key={split}>
                  <td className="b">{split}</td>
                  <td className="sec wrap">{t(`splits.${split}`)}</td>
                  <td className="r num">{share === null ? "" : percent(share)}</td>
                  <td className="r num">{counts ? count(counts[split] ?? 0) : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <ShareField
            label={t("splits.blinded")}
            note={t("splits.blindedNote")}
            value={blinded}
            onChange={setBlinded}
          />
          <dl className="kv">
            <dt>{t("splits.archive")}</dt>
            <dd>{project.archive.name}</dd>
            <dt>{t("splits.deid")}</dt>
            <dd>
              {t(`deid.${project.archive.deid_profile}`, { defaultValue: project.archive.deid_profile })}
              {project.archive.deid_profile === "basic" ? (
                <>
                  <br />
                  <DeidOptionsLine options={project.archive.deid_options} />
                </>
              ) : null}
            </dd>
            <dt>{t("splits.vocabulary")}</dt>
            <dd className="num">{project.vocabulary_version}</dd>
          </dl>
        </div>
      </div>
      <SaveFoot
        dirty={blinded !== project.blinded_share}
        busy={update.isPending}
        saved={update.isSuccess}
        error={update.error}
        onSave={() => update.mutate({ blinded_share: blinded })}
        onDiscard={() => setBlinded(project.blinded_share)}
      />
    </section>
  );
}
