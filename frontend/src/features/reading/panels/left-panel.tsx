/** What is known of the case, the comment, and what comes next. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { decimal } from "@/lib/format";
import { useReading, useSession } from "../state/session-context";
import { DRAGGED } from "../viewer/dragged";
import { thumbnailOf } from "../viewer/viewport";
import { ContextSection } from "./context-section";
import { PriorStudies, RestOfStudy } from "./patient-studies";
import { dateOf } from "./study-date";
import { TourCard } from "./tour-card";

interface Props {
  comment: React.RefObject<HTMLTextAreaElement | null>;
  /** How many of the coming cases have their images here already. */
  loadedAhead: number;
  /** Ask anew what else of the patient there is. */
  onRelated: () => void;
  coming: Coming[];
}

/** A case that comes after this one, and where it opens. */
export interface Coming {
  id: string;
  name: string;
  thumbnail: string;
  to: string;
}

export function LeftPanel({ comment, loadedAhead, onRelated, coming }: Props) {
  const { review } = useSession();
  return (
    <aside className="left">
      <TourCard />
      <ThisStudy />
      <PriorStudies onRetry={onRelated} />
      <ContextSection />
      {review ? null : <Comment field={comment} />}
      <UpNext loaded={loadedAhead} coming={coming} />
    </aside>
  );
}

function ThisStudy() {
  const { t } = useTranslation("reading");
  const { room, project, frames } = useSession();
  const { study_date, study_description, protocol } = room.case.context;
  const spacing = frames[0]?.spacing;
  const alone = frames.length === 1;
  return (
    <section className="sect">
      <div className="sh">
        {t("thisStudy")}
        <span className="grow" />
        {study_date ? <span className="q xs num">{dateOf(study_date)}</span> : null}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it is dragged; the keys of the panes do the same */}
      <div
        className="thumb-t on rr-thumb"
        draggable
        onDragStart={(event) => event.dataTransfer.setData(DRAGGED, room.case.id)}
      >
        <img src={thumbnailOf(project.slug, room.case.id)} alt="" draggable={false} />
        <span className="tb" style={{ left: 4, top: 4 }}>
          {room.case.modality}
        </span>
        <span className="tb num" style={{ right: 4, bottom: 4 }}>
          {frames.length}
        </span>
      </div>
      <div className="row sb xs sec" style={{ marginTop: 4 }}>
        <span className="ell">
          {study_description || protocol || (alone ? t("oneImage") : t("slicesCount", { count: frames.length }))}
        </span>
        <span className="q num nw">
          {spacing ? `${decimal(spacing[1], 2)} mm/px` : `${frames[0]?.columns} × ${frames[0]?.rows}`}
        </span>
      </div>
      <RestOfStudy />
    </section>
  );
}

function Comment({ field }: { field: React.RefObject<HTMLTextAreaElement | null> }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const comment = useReading((state) => state.doc.comment);
  return (
    <section className="sect">
      <label className="sh" htmlFor="rr-comment">
        {t("comment")}
        <span className="grow" />
        <kbd aria-hidden="true">C</kbd>
      </label>
      <textarea
        id="rr-comment"
        ref={field}
        className="in rr-comment"
        rows={3}
        value={comment}
        placeholder={t("commentFor")}
        readOnly={session.isReadonly}
        onChange={(event) => session.edit((doc) => ({ ...doc, comment: event.target.value }), "comment")}
        onKeyDown={(event) => {
          if (event.key === "Escape" || (event.key === "Enter" && event.ctrlKey)) event.currentTarget.blur();
        }}
      />
    </section>
  );
}

function UpNext({ loaded, coming }: { loaded: number; coming: Coming[] }) {
  const { t } = useTranslation("reading");
  if (coming.length === 0) return null;
  return (
    <section className="sect rr-next" data-ahead={loaded}>
      <div className="sh">
        {t("upNext")}
        <span className="grow" />
        {loaded > 0 ? <span className="chip">{t("loadedAhead", { count: loaded })}</span> : null}
      </div>
      <div className="rr-nexts">
        {coming.map((next) => (
          <Link key={next.to} className="thumb-t" to={next.to} title={next.name} aria-label={next.name}>
            <Picture src={next.thumbnail} />
          </Link>
        ))}
      </div>
    </section>
  );
}

function Picture({ src }: { src: string }) {
  const [failed, setFailed] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another source is another try
  useEffect(() => setFailed(false), [src]);
  return failed ? null : <img src={src} alt="" onError={() => setFailed(true)} />;
}
