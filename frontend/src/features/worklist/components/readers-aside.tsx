import { IconLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useReaders } from "@/features/worklist/api/readers";
import type { WorkingReader } from "@/lib/api-types";
import { count, dayTime, duration, isoDay, time } from "@/lib/format";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";

/** The lead's view: who has what, how far, and how long a case takes each. */
export function ReadersAside({ slug }: { slug: string }) {
  const { t } = useTranslation("worklist");
  const readers = useReaders(slug);
  return (
    <aside className="stack wl-aside">
      <Card title={t("readers.title")} style={{ flex: "none" }}>
        {readers.isError ? <ErrorState error={readers.error} retry={() => void readers.refetch()} /> : null}
        {(readers.data ?? []).map((reader) => (
          <ReaderRow key={reader.username} slug={slug} reader={reader} />
        ))}
      </Card>
    </aside>
  );
}

/** A case that was given or sent back is held for days. */
const until = (iso: string) => (isoDay(iso) === isoDay(new Date()) ? time(iso) : dayTime(iso));

function ReaderRow({ slug, reader }: { slug: string; reader: WorkingReader }) {
  const { t } = useTranslation("worklist");
  const { decisions, looks } = reader;
  const decided = decisions.accepted + decisions.edited + decisions.rejected;
  const looked = looks.first + looks.changed + looks.second;
  const held = reader.held.slice(0, 4);
  return (
    <section className="wl-reader">
      <div className="row sb">
        <Link className="b ell" to={`?reader=${encodeURIComponent(reader.username)}`}>
          {reader.name}
        </Link>
        <span className="sm sec num nw">
          {t("readers.read", { count: reader.submitted, shown: count(reader.submitted) })}
        </span>
      </div>
      <p className="xs q num">
        {[
          reader.in_progress ? t("readers.inProgress", { count: reader.in_progress }) : "",
          reader.deferred ? t("readers.deferred", { count: reader.deferred }) : "",
          reader.median_seconds === null ? "" : t("readers.perCase", { time: duration(reader.median_seconds) }),
          reader.decision_seconds === null
            ? ""
            : t("readers.perDecision", { time: duration(reader.decision_seconds) }),
          decided ? t("readers.decided", { ...decisions }) : "",
          looked ? t("readers.looks", { ...looks }) : "",
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {held.map((one) => (
        <p key={one.id} className="row xs sec" style={{ gap: 6 }}>
          <IconLock size={12} stroke={1.6} />
          <Link to={`/p/${slug}/read/${one.id}`}>{one.name}</Link>
          <span className="q num">
            {t(one.given ? "readers.given" : "readers.until", { time: until(one.held_until) })}
          </span>
        </p>
      ))}
      {reader.held.length > held.length ? (
        <p className="xs q num">{t("readers.more", { count: reader.held.length - held.length })}</p>
      ) : null}
    </section>
  );
}
