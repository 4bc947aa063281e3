/** The strips under the bar: offline, signed out, "accept all" turned off, masks not there, read-only, unsent work of another case. */
import { IconAlertTriangle, IconLock, IconWifiOff } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { time } from "@/lib/format";
import { Button } from "@/ui/button";
import type { JournalEntry } from "../state/journal";
import { useMasks, useSaveStatus, useSession } from "../state/session-context";
import { AcceptAllStrip } from "./accept-all-strip";
import { LeftoverStrip } from "./leftover-strip";
import { EditStrip, SentBackStrip } from "./revision-strips";
import { SignInStrip } from "./sign-in-strip";

interface Props {
  leftovers: JournalEntry[];
  onReopen: () => void;
  reopenProblem: string | null;
}

export function Strips({ leftovers, onReopen, reopenProblem }: Props) {
  return (
    <div>
      <OfflineStrip />
      <SignInStrip />
      <AcceptAllStrip />
      <MasksStrip />
      <SentBackStrip />
      <EditStrip />
      <ReadonlyStrip onReopen={onReopen} problem={reopenProblem} />
      <LeftoverStrip entries={leftovers} />
    </div>
  );
}

function OfflineStrip() {
  const { t } = useTranslation("reading");
  const { queue } = useSession();
  const status = useSaveStatus();
  const next = status.kind === "offline" ? status.nextTry.getTime() : 0;
  const left = useSecondsUntil(next);
  if (status.kind !== "offline") return null;
  return (
    <div className="alert warn rr-strip" role="status">
      <IconWifiOff size={18} stroke={1.6} />
      <b className="b">{t("offline.since", { time: time(status.since) })}</b>
      <span className="ell">
        {t(queue.isUnkept ? "offline.unkept" : queue.isSubmitKept ? "offline.submitKept" : "offline.kept")}
      </span>
      <span className="grow" />
      <span className="num nw">{t("offline.nextTry", { seconds: left })}</span>
      <Button dense onClick={() => queue.tryNow()}>
        {t("offline.tryNow")}
      </Button>
    </div>
  );
}

/** Marks that are there and are not drawn: their masks could not be fetched yet. */
function MasksStrip() {
  const { t } = useTranslation("reading");
  const count = useMasks().failed.size;
  if (count === 0) return null;
  return (
    <div className="alert warn rr-strip" role="status">
      <IconAlertTriangle size={18} stroke={1.6} />
      <span className="ell">{t("masksMissing", { count })}</span>
    </div>
  );
}

function useSecondsUntil(moment: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!moment) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [moment]);
  return Math.max(0, Math.ceil((moment - now) / 1000));
}

function ReadonlyStrip({ onReopen, problem }: { onReopen: () => void; problem: string | null }) {
  const { t } = useTranslation("reading");
  const { readonlyReason, room, review } = useSession();
  // Under review the panel says whose reading this is, and how it is changed.
  if (!readonlyReason || review) return null;
  const values = {
    name: room.lease.held_by ?? "",
    time: room.reading.submitted_at ? time(room.reading.submitted_at) : "",
  };
  return (
    <div className="alert plain rr-strip" role="status">
      <IconLock size={16} stroke={1.6} />
      <span className="ell">
        {problem ?? t(`readonly.${readonlyReason}`, { ...values, defaultValue: readonlyReason })}
      </span>
      <span className="grow" />
      {readonlyReason === "submitted" && !problem ? (
        <Button dense onClick={onReopen}>
          {t("readonly.reopen")}
        </Button>
      ) : null}
    </div>
  );
}
