/** One's own marks: select, hide, delete. */
import { IconEye, IconEyeOff, IconTrash } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Lesion } from "@/lib/api-types";
import { Ring } from "@/ui/ring";
import { Swatch } from "@/ui/swatch";
import { fullSize, measured } from "../marks/drawn-marks";
import { removeLesion } from "../state/edits";
import { useMasks, useReading, useSession, useUi } from "../state/session-context";

export function MarksSection() {
  const { t } = useTranslation("reading");
  const lesions = useReading((state) => state.doc.lesions);
  return (
    <section className="rr-list" data-testid="marks">
      <div className="sect bare">
        <div className="sh">
          <Ring size={13} />
          {t("yourMarks")} <span className="q">{lesions.length}</span>
        </div>
        {lesions.length === 0 ? <p className="sm q">{t("noMarks")}</p> : null}
      </div>
      {lesions.map((lesion, i) => (
        <MarkRow key={lesion.id} lesion={lesion} index={i + 1} />
      ))}
    </section>
  );
}

function MarkRow({ lesion, index }: { lesion: Lesion; index: number }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const on = useReading((state) => state.selected === lesion.id);
  const hidden = useUi((state) => state.hidden.has(lesion.id));
  const row = useRef<HTMLDivElement>(null);
  useMasks();
  useEffect(() => {
    if (on) row.current?.scrollIntoView({ block: "nearest" });
  }, [on]);
  const type = session.typeOf(lesion.finding_type);
  const size = measured(session, lesion);
  const [first, last] = session.spanOf(lesion);
  const slices =
    session.frames.length === 1
      ? t(`kind.${lesion.kind}`)
      : first === last
        ? t("onSlice", { n: first + 1 })
        : t("onSlices", { first: first + 1, last: last + 1 });
  const facts = size
    ? session.frames.length === 1
      ? [slices, fullSize(size)]
      : [fullSize(size), slices]
    : [slices];
  const toggle = () =>
    session.ui.setState((state) => {
      const next = new Set(state.hidden);
      if (!next.delete(lesion.id)) next.add(lesion.id);
      return { hidden: next };
    });
  return (
    <div ref={row} className={`le mine${on ? " on" : ""}${hidden ? " hid" : ""}`} data-lesion={lesion.id}>
      <button
        type="button"
        className="rr-row"
        aria-pressed={on}
        onClick={() => {
          session.select(lesion.id);
          session.goToLesion(lesion);
        }}
      >
        <span className="ix num">{index}</span>
        <Swatch colour={type?.colour ?? "#f2f2f2"} />
        <span className="ell">
          <span className="ty">{type?.name}</span> <span className="q sm num">{facts.join(" · ")}</span>
        </span>
      </button>
      <span className="row q rr-acts">
        <button
          type="button"
          className="rr-mini"
          aria-label={t(hidden ? "showMark" : "hideMark", { n: index })}
          onClick={toggle}
        >
          {hidden ? <IconEyeOff size={16} stroke={1.6} /> : <IconEye size={16} stroke={1.6} />}
        </button>
        {session.isReadonly ? null : (
          <button
            type="button"
            className="rr-mini"
            aria-label={t("deleteMark", { n: index })}
            onClick={() => session.edit((doc) => removeLesion(doc, lesion.id))}
          >
            <IconTrash size={16} stroke={1.6} />
          </button>
        )}
      </span>
    </div>
  );
}
