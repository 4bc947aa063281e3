import { IconUpload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { filesOfDrop, keepFiles } from "@/lib/dropped-files";
import { useKeys } from "@/lib/use-keys";
import { LinkButton } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

/** The project holds no case yet: leads import, by button, key, drop or on the server. */
export function NoCases({ slug, isLead }: { slug: string; isLead: boolean }) {
  const { t } = useTranslation("worklist");
  const navigate = useNavigate();
  const toImport = () => void navigate(`/p/${slug}/import`);
  useKeys({ i: toImport }, { enabled: isLead });
  if (!isLead) return <EmptyState title={t("noCases.title")}>{t("noCases.reader")}</EmptyState>;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping has a button twin, "Import images"
    <div
      style={{ flex: 1, display: "flex" }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void filesOfDrop(event.dataTransfer).then((files) => {
          keepFiles(files);
          toImport();
        });
      }}
    >
      <EmptyState
        title={t("noCases.title")}
        actions={
          <LinkButton
            variant="primary"
            to={`/p/${slug}/import`}
            icon={<IconUpload size={16} stroke={1.6} />}
            kbd="I"
          >
            {t("noCases.import")}
          </LinkButton>
        }
        foot={
          <>
            {t("noCases.server")}
            <code className="mono code">manage.py import_images PATH --project {slug}</code>
          </>
        }
      >
        <p>{t("noCases.lead")}</p>
      </EmptyState>
    </div>
  );
}
