/** Where a reading comes from another's decision: it was sent back to its reader, or it is a reviewer's edit. */
import { IconArrowBackUp, IconPencil } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { useSession, useUi } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";

/** What is to be changed, as long as the reading is not submitted again. */
export function SentBackStrip() {
  const { t } = useTranslation("reading");
  const { room, review } = useSession();
  const { sent_back, state } = room.reading;
  if (review || !sent_back || state === "submitted") return null;
  return (
    <div className="alert warn rr-strip rr-told" role="status">
      <IconArrowBackUp size={18} stroke={1.6} />
      <b className="b nw">{t("sentBack.by", { name: sent_back.by })}</b>
      <span className="rr-words">{sent_back.comment}</span>
    </div>
  );
}

/** Whose reading this one begins from, and what submitting it does. */
export function EditStrip() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const keyOf = useKeyOf();
  const { revises } = session.room.reading;
  const shown = useUi(
    (state) => revises !== null && revises !== undefined && state.othersShown.has(revises.reading),
  );
  if (!revises || session.review || session.isReadonly) return null;
  const { name } = revises.reader;
  const hasOriginal = session.room.others.some(({ id }) => id === revises.reading);
  const toggle = () =>
    session.ui.setState((state) => {
      const next = new Set(state.othersShown);
      if (!next.delete(revises.reading)) next.add(revises.reading);
      return { othersShown: next };
    });
  return (
    <div className="alert plain rr-strip" role="status">
      <IconPencil size={16} stroke={1.6} />
      <b className="b nw">{t("edits.title", { name })}</b>
      <span className="ell">{t("edits.note")}</span>
      <span className="grow" />
      {hasOriginal ? (
        <>
          <span className="sm q nw">{t("edits.hold", { key: keyOf("originals"), name })}</span>
          <Button dense aria-pressed={shown} onClick={toggle}>
            {t(shown ? "edits.hide" : "edits.show", { name })}
          </Button>
        </>
      ) : null}
    </div>
  );
}
