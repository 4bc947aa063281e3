/** One's own marks: select, hide, lock, delete; how they are coloured and filled. */

import { Menu } from "@mantine/core";
import { IconDroplet, IconEye, IconEyeOff, IconLock, IconLockOpen, IconTrash } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Lesion } from "@/lib/api-types";
import { percent } from "@/lib/format";
import { Ring } from "@/ui/ring";
import { Swatch } from "@/ui/swatch";
import { fullSize, measured, readersColour } from "../marks/drawn-marks";
import { removeLesion } from "../state/edits";
import { useMasks, useReading, useSession, useUi } from "../state/session-context";

export function MarksSection() {
  const { t } = useTranslation("reading");
  const { review } = useSession();
  const lesions = useReading((state) => state.doc.lesions);
  return (
    <section className="rr-list" data-testid="marks">
      <div className="sect bare">
        <div className="sh">
          <Ring size={13} />
          {review ? t("review.marks", { name: review.reader.name }) : t("yourMarks")}{" "}
          <span className="q">{lesions.length}</span>
          <span className="grow" />
          {lesions.length ? <MarksLook /> : null}
        </div>
        {lesions.length === 0 ? <p className="sm q">{t(review ? "review.noMarks" : "noMarks")}</p> : null}
      </div>
      {lesions.map((lesion, i) => (
        <MarkRow key={lesion.id} lesion={lesion} index={i + 1} />
      ))}
    </section>
  );
}

/** Colour by type or by reader, outline or filling, and how strong the filling is. */
function MarksLook() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const colourBy = useUi((state) => state.colourBy);
  const fill = useUi((state) => state.fill);
  const opacity = useUi((state) => state.opacity);
  return (
    <Menu position="bottom-end" width={220} closeOnItemClick={false}>
      <Menu.Target>
        <button type="button" className="rr-look">
          <IconDroplet size={14} stroke={1.6} />
          {t(colourBy === "type" ? "byType" : "byReader")}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          rightSection={<span className="q xs">{"<"}</span>}
          onClick={() => session.ui.setState({ colourBy: colourBy === "type" ? "reader" : "type" })}
        >
          {t(colourBy === "type" ? "colourByReader" : "colourByType")}
        </Menu.Item>
        <Menu.Item
          rightSection={<span className="q xs">F</span>}
          onClick={() => session.ui.setState({ fill: !fill })}
        >
          {t(fill ? "outlineOnly" : "filled")}
        </Menu.Item>
        {[0.05, 0.15, 0.22, 0.4].map((one) => (
          <Menu.Item
            key={one}
            aria-current={fill && one === opacity}
            onClick={() => session.ui.setState({ fill: true, opacity: one })}
          >
            {t("opacity", { percent: percent(one) })}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function MarkRow({ lesion, index }: { lesion: Lesion; index: number }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const on = useReading((state) => state.selected === lesion.id);
  const hidden = useUi((state) => state.hidden.has(lesion.id));
  const locked = useUi((state) => state.locked.has(lesion.id));
  const also = useUi((state) => state.alsoSelected.has(lesion.id));
  const colourBy = useUi((state) => state.colourBy);
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
  return (
    <div
      ref={row}
      className={`le mine${on ? " on" : ""}${also ? " also" : ""}${hidden ? " hid" : ""}${locked ? " locked" : ""}`}
      data-lesion={lesion.id}
    >
      <button
        type="button"
        className="rr-row"
        aria-pressed={on || also}
        onClick={(event) => {
          if (event.shiftKey || event.ctrlKey || event.metaKey) {
            session.selectAlso(lesion.id);
            return;
          }
          session.select(lesion.id);
          session.goToLesion(lesion);
        }}
      >
        <span className="ix num">{index}</span>
        <Swatch colour={colourBy === "reader" ? readersColour(session) : (type?.colour ?? "#f2f2f2")} />
        <span className="ell">
          <span className="ty">{type?.name}</span> <span className="q sm num">{facts.join(" · ")}</span>
        </span>
      </button>
      <span className="row q rr-acts">
        <button
          type="button"
          className="rr-mini"
          aria-label={t(hidden ? "showMark" : "hideMark", { n: index })}
          onClick={() => session.toggle("hidden", lesion.id)}
        >
          {hidden ? <IconEyeOff size={16} stroke={1.6} /> : <IconEye size={16} stroke={1.6} />}
        </button>
        {session.isReadonly ? null : (
          <button
            type="button"
            className="rr-mini"
            aria-label={t(locked ? "unlockMark" : "lockMark", { n: index })}
            onClick={() => session.toggle("locked", lesion.id)}
          >
            {locked ? <IconLock size={16} stroke={1.6} /> : <IconLockOpen size={16} stroke={1.6} />}
          </button>
        )}
        {session.isReadonly || locked ? null : (
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
