import { IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { SectionProps } from "@/features/settings/settings-page";

const FORMATS = ["coco", "masks"] as const;

/** What leaves the project: submitted readings as files that other programs read. */
export function ExportSection({ project }: SectionProps) {
  const { t } = useTranslation("settings");
  return (
    <section className="card grow" style={{ alignSelf: "flex-start" }}>
      {FORMATS.map((format, index) => (
        <div
          key={format}
          className="row"
          style={{ padding: 16, gap: 16, borderTop: index ? "1px solid var(--n5)" : undefined }}
        >
          <div className="grow">
            <h2>{t(`export.${format}`)}</h2>
            <p className="sm q" style={{ marginTop: 4 }}>
              {t(`export.${format}Note`)}
            </p>
          </div>
          <a className="btn" href={`/api/v1/projects/${project.slug}/exports/${format}/`} download>
            <IconDownload size={16} stroke={1.6} />
            {t("export.download")}
          </a>
        </div>
      ))}
    </section>
  );
}
