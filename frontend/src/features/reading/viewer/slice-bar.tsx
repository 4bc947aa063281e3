/** Where in the series one is, what is loaded, and where lesions lie: own ones left, the model's right. */
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Lesion } from "@/lib/api-types";
import { usePaneView, useReading, useSession, useUi, useView } from "../state/session-context";

const MARGIN = 6;

export function SliceBar() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const bar = useRef<HTMLDivElement>(null);
  const target = useView((state) => state.target);
  const states = useView((state) => state.states);
  const loaded = useView((state) => state.loaded);
  const doc = useReading((state) => state.doc);
  const hidden = useUi((state) => state.marksHidden);
  const total = session.frames.length;
  const share = (index: number) => `${(index / total) * 100}%`;

  const go = (event: React.PointerEvent) => {
    const box = bar.current?.getBoundingClientRect();
    if (!box) return;
    const at = (event.clientY - box.top - MARGIN) / (box.height - 2 * MARGIN);
    session.view?.goTo(Math.floor(at * total));
  };
  const lane = (lesion: Lesion, side: "me" | "mo") => {
    const [first, last] = session.spanOf(lesion);
    const style = {
      "--c": session.typeOf(lesion.finding_type)?.colour,
      top: share(first),
      height: `max(6px, ${share(last - first + 1)})`,
    } as React.CSSProperties;
    return <i key={lesion.id} className={side} style={style} />;
  };
  const open = session.shownFindings(doc).filter((finding) => doc.decisions[finding.id]?.kind !== "rejected");
  return (
    <div
      ref={bar}
      className="sbar"
      role="slider"
      aria-label={t("slices")}
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={total}
      aria-valuenow={target + 1}
      data-loaded={loaded}
      tabIndex={-1}
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
          <i key={first} className={state} style={{ top: share(first), height: share(count) }} />
        ))}
        {hidden ? null : doc.lesions.map((lesion) => lane(lesion, "me"))}
        {hidden ? null : open.map((finding) => lane(finding, "mo"))}
        <i className="thumb" style={{ top: share(target + 0.5) }} />
      </div>
    </div>
  );
}

/** Of a pane beside the case: its slices and what is loaded of them. */
export function SideSliceBar() {
  const { t } = useTranslation("reading");
  const view = usePaneView();
  const target = useView((state) => state.target);
  const states = useView((state) => state.states);
  const total = useView((state) => state.frames.length) || 1;
  const share = (index: number) => `${(index / total) * 100}%`;
  const go = (event: React.PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    view.goTo(Math.floor(((event.clientY - box.top - MARGIN) / (box.height - 2 * MARGIN)) * total));
  };
  return (
    <div
      className="sbar"
      role="slider"
      aria-label={t("slicesBeside")}
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={total}
      aria-valuenow={target + 1}
      tabIndex={-1}
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
          <i key={first} className={state} style={{ top: share(first), height: share(count) }} />
        ))}
        <i className="thumb" style={{ top: share(target + 0.5) }} />
      </div>
    </div>
  );
}

function runsOf<T>(states: readonly T[]): { state: T; first: number; count: number }[] {
  const runs: { state: T; first: number; count: number }[] = [];
  states.forEach((state, index) => {
    const last = runs.at(-1);
    if (last && last.state === state) last.count += 1;
    else runs.push({ state, first: index, count: 1 });
  });
  return runs;
}
