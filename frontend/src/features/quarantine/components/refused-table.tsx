import { useTranslation } from "react-i18next";
import { useDiscard } from "@/features/quarantine/api/quarantine";
import type { QuarantinedFile } from "@/lib/api-types";
import { bytes, day, middle } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";

/** Files that could not be read: what they were called, why, until when they lie here. They are never given out. */
export function RefusedTable({ slug, files }: { slug: string; files: QuarantinedFile[] }) {
  const { t } = useTranslation("quarantine");
  const discard = useDiscard(slug);
  if (files.length === 0) return <EmptyState title={t("noneRefused")}>{t("noneRefusedNote")}</EmptyState>;
  return (
    <table>
      <thead>
        <tr>
          <th>{t("file")}</th>
          <th>{t("reason")}</th>
          <th className="r">{t("bytes")}</th>
          <th>{t("until")}</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {files.map((file) => (
          <tr key={file.id}>
            <td className="mono ell" title={file.name}>
              {middle(file.name || t("unnamed"), 40)}
            </td>
            <td className="wrap sm">{serverWords(file.reason, t)}</td>
            <td className="r num sec">{bytes(file.size)}</td>
            <td className="sec nw">{day(file.expires_at)}</td>
            <td className="r">
              <Button dense variant="ghost" busy={discard.isPending} onClick={() => discard.mutate([file.id])}>
                {t("discard")}
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
