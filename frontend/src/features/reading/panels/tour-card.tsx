/** Four sentences for whoever reads here for the first time; put away, it never comes back. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe, useUpdateMe } from "@/lib/me";
import { Button } from "@/ui/button";
import { useSession } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";

const STEPS = ["see", "mark", "decide", "safe"] as const;

export function TourCard() {
  const { t } = useTranslation("reading");
  const { room } = useSession();
  const keyOf = useKeyOf();
  const me = useMe().data;
  const update = useUpdateMe();
  const [at, setAt] = useState(0);
  if (!me || me.tour_seen) return null;
  const steps = STEPS.filter((step) => step !== "decide" || room.model !== null || room.first_look);
  const step = steps[at] ?? "safe";
  const last = at >= steps.length - 1;
  const keys = {
    slices: `${keyOf("previousSlice")} ${keyOf("nextSlice")}`,
    window: keyOf("window"),
    reset: keyOf("reset"),
    box: keyOf("box"),
    brush: keyOf("brush"),
    next: keyOf("nextFinding"),
    accept: keyOf("accept"),
    edit: keyOf("editFinding"),
    reject: keyOf("reject"),
    submit: keyOf("submit"),
    keys: keyOf("keys"),
  };
  const putAway = () => update.mutate({ tour_seen: true });
  return (
    <section className="sect rr-tour" data-testid="tour" aria-label={t("tour.title")}>
      <div className="sh">
        {t(`tour.${step}.title`)}
        <span className="grow" />
        <span className="q xs num">{`${at + 1} / ${steps.length}`}</span>
      </div>
      <p className="sm sec">{t(`tour.${step}.text`, keys)}</p>
      <div className="row" style={{ gap: 6, marginTop: 8, flexWrap: "wrap" }}>
        {last ? null : (
          <Button dense onClick={() => setAt(at + 1)}>
            {t("tour.next")}
          </Button>
        )}
        <Button dense variant="ghost" onClick={putAway}>
          {t(last ? "tour.done" : "tour.never")}
        </Button>
      </div>
    </section>
  );
}
