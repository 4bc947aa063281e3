import { IconWifiOff } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { time } from "@/lib/format";

/** Under the bar while the browser has no network: since when, and what that means. */
export function OfflineStrip() {
  const { t } = useTranslation();
  const since = useOfflineSince();
  return (
    <div role="status">
      {since ? (
        <div className="offline">
          <IconWifiOff size={16} stroke={1.6} />
          <b className="b">{t("offline.since", { time: time(since) })}</b>
          <span>{t("offline.note")}</span>
        </div>
      ) : null}
    </div>
  );
}

function useOfflineSince(): Date | null {
  const [since, setSince] = useState(() => (navigator.onLine ? null : new Date()));
  useEffect(() => {
    const gone = () => setSince((known) => known ?? new Date());
    const back = () => setSince(null);
    window.addEventListener("offline", gone);
    window.addEventListener("online", back);
    return () => {
      window.removeEventListener("offline", gone);
      window.removeEventListener("online", back);
    };
  }, []);
  return since;
}
