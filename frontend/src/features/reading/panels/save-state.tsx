/** Always the same place, always one of a few sentences. */
import { IconAlertTriangle, IconCloudCheck, IconCloudUp, IconDeviceFloppy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { time } from "@/lib/format";
import { ACCEPT_ALL_REFUSED } from "../state/accept-all";
import { useSaveStatus, useSession } from "../state/session-context";

export function SaveState() {
  const { t } = useTranslation("reading");
  const { room, ui, queue } = useSession();
  const status = useSaveStatus();
  const last =
    status.kind === "saved" ? (status.at ?? (room.reading.revision > 0 ? room.reading.updated_at : null)) : null;
  if (status.kind === "conflict") {
    return (
      <button type="button" className="rr-save warn" onClick={() => ui.setState({ conflictShown: true })}>
        <IconAlertTriangle size={16} stroke={1.6} />
        {t("save.conflict")}
      </button>
    );
  }
  if (status.kind === "refused") {
    const isAcceptAll = status.code === ACCEPT_ALL_REFUSED && queue.acceptedAtOnce.length > 0;
    return (
      <span className="rr-save bad" role="alert" title={isAcceptAll ? undefined : status.reason}>
        <IconAlertTriangle size={16} stroke={1.6} />
        <span className="ell">
          {isAcceptAll ? t("save.acceptAllOff") : t("save.refused", { reason: status.reason })}
        </span>
      </span>
    );
  }
  const kept = status.kind === "offline" || status.kind === "signed_out";
  const busy = status.kind === "waiting" || status.kind === "saving";
  return (
    <span className={`rr-save num${kept ? " warn" : ""}`} role="status" data-state={status.kind}>
      {kept ? <IconDeviceFloppy size={16} stroke={1.6} /> : null}
      {busy ? <IconCloudUp size={16} stroke={1.6} /> : null}
      {status.kind === "saved" ? <IconCloudCheck size={16} stroke={1.6} /> : null}
      {kept ? t("save.kept", { count: status.changes }) : busy ? t("save.saving") : null}
      {status.kind === "saved" ? (
        <span>
          <span className="word">{t("save.saved")} </span>
          {last ? time(last, true) : null}
        </span>
      ) : null}
    </span>
  );
}
