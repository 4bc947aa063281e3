/** The edge of the left panel: pulled or moved by arrows it changes the width, a double click or Enter folds the panel away. */
import { IconChevronRight } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useSession, useUi } from "../state/session-context";
import { WithKey } from "./with-key";

export const NARROWEST = 160;
export const WIDEST = 320;
const STEP = 16;

export const widthWithin = (width: number): number => Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));

function widthAfter(key: string, width: number): number | null {
  if (key === "ArrowLeft") return width - STEP;
  if (key === "ArrowRight") return width + STEP;
  if (key === "Home") return NARROWEST;
  return key === "End" ? WIDEST : null;
}

export function LeftEdge() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const left = useUi((state) => state.left);
  const own = useUi((state) => state.leftWidth);

  const fold = () => session.ui.setState({ left: false });
  // On smaller screens it begins narrower, see reading-room.css.
  const width = own ?? (window.matchMedia("(max-width:1339px)").matches ? 176 : 208);
  const set = (wanted: number) => session.ui.setState({ leftWidth: widthWithin(wanted) });
  const keep = () => {
    const { leftWidth } = session.ui.getState();
    if (leftWidth !== null) session.keep({ left_width: leftWidth });
  };

  if (!left) {
    return (
      <WithKey command="leftPanel">
        <button
          type="button"
          className="rr-unfold"
          aria-label={t("unfoldLeft")}
          onClick={() => session.ui.setState({ left: true })}
        >
          <IconChevronRight size={14} stroke={1.6} />
        </button>
      </WithKey>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule that is pulled; an hr takes no focus
    <div
      className="rr-edge"
      role="separator"
      aria-orientation="vertical"
      aria-label={t("leftEdge")}
      aria-valuemin={NARROWEST}
      aria-valuemax={WIDEST}
      aria-valuenow={width}
      tabIndex={0}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const from = event.currentTarget.parentElement?.getBoundingClientRect().left ?? 0;
        if (event.buttons & 1 && event.currentTarget.hasPointerCapture(event.pointerId)) set(event.clientX - from);
      }}
      onPointerUp={keep}
      onDoubleClick={fold}
      onKeyDown={(event) => {
        const wanted = widthAfter(event.key, width);
        if (wanted === null && event.key !== "Enter") return;
        // The arrows are the room's, too.
        event.preventDefault();
        event.stopPropagation();
        if (wanted === null) return fold();
        set(wanted);
        keep();
      }}
    />
  );
}
