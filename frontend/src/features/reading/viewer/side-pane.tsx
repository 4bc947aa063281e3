/** Images of the patient beside the case: looked at with the same tools, never marked. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Point, scoordFromCanvas } from "@/lib/imaging/coordinates";
import { memoryBeside } from "@/lib/imaging/frame-memory";
import { framesOf, registerHeaders } from "@/lib/imaging/frames";
import { StackView } from "@/lib/imaging/stack-view";
import { dateOf } from "../panels/study-date";
import type { Beside } from "../state/arrange";
import { isMarkTool, isMeasureTool } from "../state/room-ui";
import { PaneContext, useSession, useUi, useView } from "../state/session-context";
import { PaneOverlays } from "./overlays";
import { SideSliceBar } from "./slice-bar";
import { Failed, LoadingLine, thumbnailOf } from "./viewport";

export function SidePane({ beside }: { beside: Beside }) {
  const session = useSession();
  const [view, setView] = useState<StackView | null>(null);
  const { id } = beside.images;

  useEffect(() => {
    const made = new StackView(memoryBeside);
    session.beside.set(id, made);
    setView(made);
    return () => {
      session.beside.delete(id);
      session.links.remove(made);
      made.destroy();
    };
  }, [id, session]);

  return view ? <Shown key={id} view={view} beside={beside} /> : null;
}

function Shown({ view, beside }: { view: StackView; beside: Beside }) {
  const session = useSession();
  const container = useRef<HTMLDivElement>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [at, setAt] = useState<Point | null>(null);
  const { images } = beside;
  const pane = useMemo(() => ({ view, at }), [view, at]);

  useEffect(() => {
    if (container.current) view.attach(container.current);
  }, [view]);

  const load = useCallback(() => {
    setFailure(null);
    const given = { frameOfReference: images.series.frame_of_reference_uid, side: images.laterality };
    registerHeaders(images.series).then(
      (frames) => {
        // Gone meanwhile: another image hangs here now.
        if (session.beside.get(images.id) !== view) return;
        const first = session.links.add(view, { frames, ...given });
        void view.show(frames, first ?? Math.floor((frames.length - 1) / 2));
      },
      (error: unknown) => setFailure(error instanceof Error ? error.message : String(error)),
    );
  }, [session, view, images]);
  useEffect(load, [load]);

  const many = useMemo(() => framesOf(images.series).length > 1, [images]);
  return (
    <PaneContext value={pane}>
      <section className="vp" aria-label={images.name}>
        <div className="rr-stage" ref={container}>
          <Before id={images.id} failed={failure !== null} />
          <SidePointer view={view} many={many} onHover={setAt} />
          <PaneOverlays>
            <Title beside={beside} />
          </PaneOverlays>
          <LoadingLine />
          <Problem failure={failure} onRetry={load} view={view} />
        </div>
        {many ? <SideSliceBar /> : null}
      </section>
    </PaneContext>
  );
}

/** The thumbnail, large, until the first frame is there. */
function Before({ id, failed }: { id: string; failed: boolean }) {
  const { project } = useSession();
  const waits = useView((state) => state.shown === null && state.failure === null);
  return waits && !failed ? <img className="rr-first" src={thumbnailOf(project.slug, id)} alt="" /> : null;
}

function Problem({ failure, view, onRetry }: { failure: string | null; view: StackView; onRetry: () => void }) {
  const broken = useView((state) => state.failure);
  const problem = failure ?? broken;
  return problem ? <Failed reason={problem} onRetry={failure ? onRetry : () => void view.retry()} /> : null;
}

/** What hangs here, and that it is not the case being read. */
function Title({ beside }: { beside: Beside }) {
  const { t } = useTranslation("reading");
  const { images, relation, date, studyDescription } = beside;
  const look = [images.laterality, images.view].filter(Boolean).join(" ");
  const title =
    [look || studyDescription || images.description, images.body_part].filter(Boolean).join(" · ") || images.name;
  return (
    <div className="ov rr-title" style={{ left: 12, top: 10 }}>
      <span className={`rr-relation ${relation}`}>{t(`relation.${relation}`)}</span>
      <span className="num">{relation === "this" ? "" : date ? dateOf(date) : t("undated")}</span>
      <br />
      <span>{title}</span>
      <span className="q"> · {t(`modality.${images.modality}`, { defaultValue: images.modality })}</span>
    </div>
  );
}

type Drag = (dx: number, dy: number, from: Point) => void;

interface PointerProps {
  view: StackView;
  many: boolean;
  onHover: (at: Point | null) => void;
}

/** Window, pan, zoom and slices with the same buttons as on the case; tools that mark say that here is nothing to mark. */
function SidePointer({ view, many, onHover }: PointerProps) {
  const session = useSession();
  const layer = useRef<HTMLDivElement>(null);
  const held = useRef<{ drag: Drag; from: Point; last: Point } | null>(null);
  const tool = useUi((state) => state.tool);
  const marks = isMarkTool(tool) || isMeasureTool(tool);

  useEffect(() => {
    const element = layer.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      if (event.deltaY === 0) return;
      if (many && !event.ctrlKey && !event.metaKey) view.step(event.deltaY > 0 ? 1 : -1);
      else view.zoom(Math.exp(-event.deltaY / 600), placeIn(element, event));
    };
    // React listens passively to the wheel, and then the page would scroll.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [view, many]);

  const dragOf = (button: number): Drag | null => {
    if (button === 1 || (button === 0 && tool === "pan")) return (dx, dy) => view.pan(dx, dy);
    if (button === 2 || (button === 0 && tool === "window")) return (dx, dy) => view.dragWindow(dx, dy);
    if (button === 0 && tool === "zoom") return (_, dy, from) => view.zoom(Math.exp(-dy / 150), from);
    return null;
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: every act here has a key
    <div
      ref={layer}
      className="rr-pointer beside"
      data-testid="viewport-beside"
      data-tool={marks ? "select" : tool}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys of viewing work while it has the focus
      tabIndex={0}
      onPointerDown={(event) => {
        layer.current?.focus({ preventScroll: true });
        if (held.current) return;
        event.preventDefault();
        const drag = dragOf(event.button);
        if (!drag) {
          if (event.button === 0 && marks) session.say("besideReadonly");
          return;
        }
        const from = placeIn(event.currentTarget, event);
        held.current = { drag, from, last: from };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const now = placeIn(event.currentTarget, event);
        const { toCanvas } = view.store.getState();
        onHover(toCanvas ? scoordFromCanvas(now, toCanvas) : null);
        if (!held.current) return;
        const { drag, from, last } = held.current;
        held.current.last = now;
        drag(now[0] - last[0], now[1] - last[1], from);
      }}
      onPointerUp={() => {
        held.current = null;
      }}
      onPointerCancel={() => {
        held.current = null;
      }}
      onPointerLeave={() => onHover(null)}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}

function placeIn(element: HTMLElement, event: { clientX: number; clientY: number }): Point {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
