/** Where in the series one is, what is loaded, and where lesions lie: own ones left, the model's right. */
import { useTranslation } from "react-i18next";
import type { Lesion } from "@/lib/api-types";
import { usePaneView, useReading, useSession, useUi, useView } from "../state/session-context";

const MARGIN = 6;

export function SliceBar() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const target = useView((state) => state.target);
  const states = useView((state) => state.states);
  const loaded = useView((state) => state.loaded);
  const doc = useReading((state) => state.doc);
  const hidden = useUi((state) => state.marksHidden);
  const total = session.frames.length;

  const lane = (lesion: Lesion, side: "me" | "mo") => {
    const [first, last] = session.spanOf(lesion);
    const style = {
      "--c": session.typeOf(lesion.finding_type)?.colour,
      top: share(first, total),
      height: `max(6px, ${share(last - first + 1, total)})`,
    } as React.CSSProperties;
    return <i key={lesion.id} className={side} style={style} />;
  };
  const open = session.shownFindings(doc).filter((finding) => doc.decisions[finding.id]?.kind !== "rejected");
  return (
    <Track label={t("slices")} {...{ target, states, total, loaded }} onGo={(index) => session.view?.goTo(index)}>
      {hidden ? null : doc.lesions.map((lesion) => lane(lesion, "me"))}
      {hidden ? null : open.map((finding) => lane(finding, "mo"))}
    </Track>
  );
}

/** Of a pane beside the case: its slices and what is loaded of them. */
export function SideSliceBar() {
  const { t } = useTranslation("reading");
  const view = usePaneView();
  const target = useView((state) => state.target);
  const states = useView((state) => state.states);
  const total = useView((state) => state.frames.length) || 1;
  return <Track label={t("slicesBeside")} {...{ target, states, total }} onGo={(index) => view.goTo(index)} />;
}

interface TrackProps {
  label: string;
  target: number;
  states: readonly string[];
  total: number;
  loaded?: number;
  onGo: (index: number) => void;
  children?: React.ReactNode;
}

/** The bar itself: a press or a pull goes to the slice under the pointer. */
function Track({ label, target, states, total, loaded, onGo, children }: TrackProps) {
  const go = (event: React.PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onGo(Math.floor(((event.clientY - box.top - MARGIN) / (box.height - 2 * MARGIN)) * total));
  };
  return (
    <div
      className="sbar"
      role="slider"
      aria-label={label}
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={total}
      aria-valuenow={target + 1}
      data-loaded={loaded}
      tabIndex={-1}
      onMouseDown={(event) => {
        // A slider that has the focus keeps the arrows, Home, End and Tab, which are the room's.
        event.preventDefault();
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons & 1) go(event);
      }}
    >
      <div className="track">
        {runsOf(states).map(({ state, first, count }) => (
          <i key={first} className={state} style={{ top: share(first, total), height: share(count, total) }} />
        ))}
        {children}
        <i className="thumb" style={{ top: share(target + 0.5, total) }} />
      </div>
    </div>
  );
}

const share = (index: number, total: number) => `${(index / total) * 100}%`;

function runsOf<T>(states: readonly T[]): { state: T; first: number; count: number }[] {
  const runs: { state: T; first: number; count: number }[] = [];
  states.forEach((state, index) => {
    const last = runs.at(-1);
    if (last && last.state === state) last.count += 1;
    else runs.push({ state, first: index, count: 1 });
  });
  return runs;
}
