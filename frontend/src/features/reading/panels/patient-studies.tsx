/** What else of the patient there is: the rest of the study, and older studies. A click or a drag hangs it beside the case. */
import { useTranslation } from "react-i18next";
import type { RelatedCase, RelatedStudy } from "@/lib/api-types";
import { Button } from "@/ui/button";
import { show } from "../state/arrange";
import { useDisplay, useSession } from "../state/session-context";
import { DRAGGED } from "../viewer/dragged";
import { thumbnailOf } from "../viewer/viewport";
import { dateOf } from "./study-date";

export function RestOfStudy() {
  const related = useDisplay((state) => state.related);
  const rest = related?.studies.find(({ relation }) => relation === "this");
  return rest ? <Thumbnails cases={rest.cases} /> : null;
}

export function PriorStudies({ onRetry }: { onRetry: () => void }) {
  const { t } = useTranslation("reading");
  const related = useDisplay((state) => state.related);
  const failed = useDisplay((state) => state.relatedFailed);
  const studies = related?.studies.filter(({ relation }) => relation !== "this") ?? [];
  return (
    <section className="sect rr-priors" aria-busy={!related && !failed}>
      <div className="sh">
        {t("priors.title")}
        <span className="grow" />
        {studies.length > 0 ? <span className="q num">{studies.length}</span> : null}
      </div>
      {studies.map((study) => (
        <Study key={study.study_instance_uid} study={study} />
      ))}
      {related && studies.length === 0 ? <p className="sm q">{t("priors.none")}</p> : null}
      {failed ? (
        <div className="row sb">
          <span className="sm q">{t("priors.failed")}</span>
          <Button dense onClick={onRetry}>
            {t("tryAgain")}
          </Button>
        </div>
      ) : null}
    </section>
  );
}

function Study({ study }: { study: RelatedStudy }) {
  const { t } = useTranslation("reading");
  const { date, description } = study;
  return (
    <div className="rr-study">
      <div className="row xs sec" style={{ gap: 6 }}>
        <span className="num nw b">{date ? dateOf(date) : t("undated")}</span>
        <span className="ell q">{description}</span>
      </div>
      <Thumbnails cases={study.cases} />
    </div>
  );
}

function Thumbnails({ cases }: { cases: RelatedCase[] }) {
  return (
    <div className="rr-thumbs">
      {cases.map((images) => (
        <Thumbnail key={images.id} images={images} />
      ))}
    </div>
  );
}

function Thumbnail({ images }: { images: RelatedCase }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const isShown = useDisplay((state) => state.cells.includes(images.id));
  const { id, name, laterality, view, n_frames } = images;
  const look = [laterality, view].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      className={`thumb-t rr-beside${isShown ? " on" : ""}`}
      draggable
      title={t("priors.hang", { name: look || name })}
      aria-pressed={isShown}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, id);
        event.dataTransfer.effectAllowed = "copy";
      }}
      onClick={() => show(session, id)}
    >
      <img src={thumbnailOf(session.project.slug, id)} alt="" draggable={false} />
      {/* No label in place of the content: who speaks to the page says what is written on the picture. */}
      <span className="visually-hidden">
        {t("priors.hang", { name: [look, name].filter(Boolean).join(", ") })}
      </span>
      <span className="tb" style={{ left: 3, top: 3 }}>
        {look || images.modality}
      </span>
      {n_frames > 1 ? (
        <span className="tb num" style={{ right: 3, bottom: 3 }}>
          {n_frames}
        </span>
      ) : null}
    </button>
  );
}
