/** The lead turned "accept all" off while findings accepted so were unsent: what happened, and the way out. */
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { ACCEPT_ALL_REFUSED } from "../state/accept-all";
import { useSaveStatus, useSession } from "../state/session-context";

export function AcceptAllStrip() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const status = useSaveStatus();
  const count = session.queue.acceptedAtOnce.length;
  if (status.kind !== "refused" || status.code !== ACCEPT_ALL_REFUSED || count === 0) return null;
  return (
    <div className="alert warn rr-strip" role="alert">
      <IconAlertTriangle size={18} stroke={1.6} />
      <b className="b nw">{t("acceptAllOff.title")}</b>
      <span className="ell" title={t("acceptAllOff.told", { count })}>
        {t("acceptAllOff.told", { count })}
      </span>
      <span className="grow" />
      <Button dense onClick={() => session.putBackAccepted()}>
        {t("acceptAllOff.putBack")}
      </Button>
    </div>
  );
}
