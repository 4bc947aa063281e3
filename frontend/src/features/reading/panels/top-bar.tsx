import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconChevronLeft,
  IconEyeOff,
  IconKeyboard,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { listAddress } from "@/lib/list-place";
import { useMe } from "@/lib/me";
import { Logo } from "@/ui/logo";
import { useReading, useSession } from "../state/session-context";
import { NameReportButton } from "./name-report";
import { SaveState } from "./save-state";
import { ToolBar } from "./tool-bar";
import { WithKey } from "./with-key";

/** One 44 px bar: the way back, the case and its arm, the tools, the saving state, undo and redo. */
export function TopBar() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const { room, project, review } = session;
  const me = useMe().data;
  const list = listAddress(me?.username ?? "", project.slug);
  const queue = `/p/${project.slug}/review`;
  // Who came by a link still goes back to the queue.
  const back = review && !list.startsWith(queue) ? queue : list;
  const from = back.startsWith(queue)
    ? "review.title"
    : back.startsWith(`/p/${project.slug}/cases`)
      ? "cases"
      : "worklist";
  return (
    <header className="bar1">
      <span className="row rr-home">
        <Link to="/" className="logo" style={{ margin: 0 }} aria-label="Overread">
          <Logo />
        </Link>
        <Link to={back} className="row rr-back">
          <IconChevronLeft size={14} stroke={1.6} />
          {t(from)}
        </Link>
      </span>
      <span className="row" style={{ paddingLeft: 12, gap: 8 }}>
        <h1 className="b nw rr-name">{room.case.name}</h1>
        {review ? (
          <span className="chip rr-arm">{t("review.title")}</span>
        ) : room.arm === "assisted" ? (
          <span className="chip acc rr-arm">{t("assisted")}</span>
        ) : (
          <span className="chip rr-arm">
            <IconEyeOff size={12} stroke={1.6} />
            {t("blinded")}
          </span>
        )}
      </span>
      <span className="grow" />
      <ToolBar />
      <span className="grow" />
      {review ? null : <History />}
      {review ? null : <i className="vr" />}
      <NameReportButton />
      <WithKey command="keys">
        <button
          type="button"
          className="tool"
          aria-label={t("command.keys")}
          onClick={() => session.ui.setState({ keysShown: true })}
        >
          <IconKeyboard size={18} stroke={1.6} />
        </button>
      </WithKey>
      {me ? (
        <span className="av" style={{ margin: "0 6px" }} title={me.full_name || me.username}>
          {me.initials}
        </span>
      ) : null}
    </header>
  );
}

/** What was done to the reading, and whether it is with the server. */
function History() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const canUndo = useReading((state) => state.past.length > 0) && !session.isReadonly;
  const canRedo = useReading((state) => state.future.length > 0) && !session.isReadonly;
  return (
    <>
      <SaveState />
      <WithKey command="undo">
        <button
          type="button"
          className={`tool${canUndo ? "" : " off"}`}
          aria-label={t("command.undo")}
          aria-disabled={!canUndo}
          onClick={() => session.undo()}
        >
          <IconArrowBackUp size={18} stroke={1.6} />
        </button>
      </WithKey>
      <WithKey command="redo">
        <button
          type="button"
          className={`tool${canRedo ? "" : " off"}`}
          aria-label={t("command.redo")}
          aria-disabled={!canRedo}
          onClick={() => session.redo()}
        >
          <IconArrowForwardUp size={18} stroke={1.6} />
        </button>
      </WithKey>
    </>
  );
}
