/** What other readers submitted, for those who may see it: shown above the image on request. */
import { IconEye, IconEyeOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { reviewsOfCase } from "../api/review-api";
import { otherColour } from "../marks/drawn-marks";
import { reviewAddress } from "../state/review-queue";
import type { RoomSession } from "../state/room-session";
import { useSession, useUi } from "../state/session-context";

/** The way to review a reading beside the one in hand, for those who may. */
function useReviewable(session: RoomSession): (reading: string) => ReactNode {
  const { t } = useTranslation("reading");
  const { project, room } = session;
  const rows = useQuery({
    queryKey: ["reviews", project.slug, "case", room.case.id],
    queryFn: () => reviewsOfCase(project.slug, room.case.id),
    enabled: project.role !== "reader" && room.others.length > 0,
  });
  return (reading) => {
    const row = rows.data?.find((one) => one.reading === reading);
    return row && row.review?.decision !== "edited" ? (
      <Link className="rr-link sm" to={reviewAddress(project.slug, row, "")}>
        {t("review.title")}
      </Link>
    ) : null;
  };
}

export function OthersSection() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const shown = useUi((state) => state.othersShown);
  const toReview = useReviewable(session);
  if (session.room.others.length === 0) return null;
  const toggle = (id: string) =>
    session.ui.setState((state) => {
      const next = new Set(state.othersShown);
      if (!next.delete(id)) next.add(id);
      return { othersShown: next };
    });
  return (
    <section className="sect">
      <div className="sh">{t("others")}</div>
      {session.room.others.map((other, i) => (
        <div key={other.id} className="row" style={{ height: 30, gap: 9 }}>
          <svg width="13" height="13" viewBox="0 0 14 14" aria-hidden="true" style={{ flex: "none" }}>
            <circle cx="7" cy="7" r="5.6" fill="none" stroke={otherColour(session, i)} strokeWidth="1.9" />
          </svg>
          <span className="grow ell">
            {other.reader.name}{" "}
            <span className="q sm">
              {other.verdict ? t(`verdict.${other.verdict}`) : ""} ·{" "}
              {t("marksCount", { count: other.lesions.length })}
            </span>
          </span>
          {toReview(other.id)}
          <button
            type="button"
            className="rr-mini"
            aria-pressed={shown.has(other.id)}
            aria-label={t("showReader", { name: other.reader.name })}
            onClick={() => toggle(other.id)}
          >
            {shown.has(other.id) ? <IconEye size={16} stroke={1.6} /> : <IconEyeOff size={16} stroke={1.6} />}
          </button>
        </div>
      ))}
    </section>
  );
}
