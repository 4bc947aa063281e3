import { useTranslation } from "react-i18next";
import type { QuarantinedFile } from "@/lib/api-types";
import { count } from "@/lib/format";
import { originWords } from "@/lib/origin-words";

/** What a file is, as far as its header was read: modality, size, frames, SOP class, transfer syntax. */
export function FactsLine({ file }: { file: QuarantinedFile }) {
  const { t } = useTranslation("quarantine");
  const known = [
    file.modality || (file.format === "dicom" ? "" : file.format.toUpperCase()),
    file.rows && file.columns ? t("size", { columns: count(file.columns), rows: count(file.rows) }) : "",
    file.frames > 1 ? t("frameCount", { shown: count(file.frames) }) : "",
    file.sop_class,
    file.transfer_syntax,
  ].filter(Boolean);
  const uids = [file.sop_class_uid, file.transfer_syntax_uid].filter(Boolean).join("\n");
  return (
    <div className="sm q" style={{ whiteSpace: "normal", marginTop: 2 }} title={uids || undefined}>
      {known.length ? known.join(" · ") : t("unreadable")}
    </div>
  );
}

/** Through which door it came: another system, a watched place, or the person who sent it. */
export function DoorLine({ file }: { file: QuarantinedFile }) {
  const { t } = useTranslation("quarantine");
  const words = file.origin
    ? originWords(file.origin, t)
    : file.sent_by
      ? t("sentBy", { name: file.sent_by })
      : "";
  return words ? (
    <div className="sm q ell" style={{ maxWidth: 220, marginTop: 2 }} title={words}>
      {words}
    </div>
  ) : null;
}
