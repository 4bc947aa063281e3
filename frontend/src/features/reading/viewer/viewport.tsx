/** The image with everything drawn above it, and what stands there while it loads or when it fails. */
import { IconAlertTriangle } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IMAGE_DRAWN, type StackView } from "@/lib/imaging/stack-view";
import { Button } from "@/ui/button";
import { DraftLayer, MarkLayer } from "../marks/mark-layer";
import { BrushRing, PointerLayer } from "../marks/pointer-layer";
import { useSession, useView } from "../state/session-context";
import { Cine } from "./cine";
import { EditBar } from "./edit-bar";
import { Magnifier } from "./magnifier";
import { MainCross, MprPanes } from "./mpr-panes";
import { Overlays } from "./overlays";
import { SliceBar } from "./slice-bar";

interface Props {
  view: StackView;
  /** The headers could not be fetched. */
  failure: string | null;
  onRetry: () => void;
}

export function Viewport({ view, failure, onRetry }: Props) {
  const session = useSession();
  const container = useRef<HTMLDivElement>(null);
  // Not which frame is shown: with each slice all that lies in here would be drawn anew.
  const empty = useView((state) => state.shown === null);
  const broken = useView((state) => state.failure);

  useEffect(() => {
    const stage = container.current;
    if (!stage) return;
    const onDrawn = () => {
      const { shown } = view.store.getState();
      if (shown !== null) session.noteSeen(shown);
    };
    stage.addEventListener(IMAGE_DRAWN, onDrawn);
    view.attach(stage);
    return () => stage.removeEventListener(IMAGE_DRAWN, onDrawn);
  }, [view, session]);

  // What is drawn belongs to its slice and does not travel to another.
  useEffect(
    () =>
      view.store.subscribe(({ shown }, before) => {
        const { draft, preview, painting } = session.ui.getState();
        const none = { draft: null, preview: null, painting: null };
        if (shown !== null && shown !== before.shown && (draft || preview || painting)) session.ui.setState(none);
      }),
    [view, session],
  );

  const problem = failure ?? broken;
  return (
    <main className="vp" aria-label={session.room.case.name}>
      <div className={`rr-stage${session.frames.length > 1 ? " with-bar" : ""}`} ref={container}>
        {empty && !problem ? <FirstLook /> : null}
        <MarkLayer />
        <DraftLayer />
        <PointerLayer />
        <MainCross />
        <BrushRing />
        <Magnifier />
        <Overlays />
        <Cine />
        <LoadingLine />
        {problem ? <Failed reason={problem} onRetry={failure ? onRetry : () => void view.retry()} /> : <EditBar />}
      </div>
      {session.frames.length > 1 ? <SliceBar /> : null}
      <MprPanes />
    </main>
  );
}

/** The thumbnail, large, until the first frame is there. */
function FirstLook() {
  const { room, project } = useSession();
  return <img className="rr-first" src={thumbnailOf(project.slug, room.case.id)} alt="" />;
}

export const thumbnailOf = (slug: string, caseId: string) => `/api/v1/projects/${slug}/cases/${caseId}/thumbnail/`;

const LINE_AFTER_MS = 400;
const WORDS_AFTER_MS = 5000;

/** A line after 400 ms, words after 5 s: nothing flickers on a fast network. */
export function LoadingLine() {
  const { t } = useTranslation("reading");
  const target = useView((state) => state.target);
  const shown = useView((state) => state.shown);
  const loaded = useView((state) => state.loaded);
  const failure = useView((state) => state.failure);
  const total = useView((state) => state.frames.length);
  const waits = shown !== target && !failure;
  const [stage, setStage] = useState<"none" | "line" | "words">("none");
  useEffect(() => {
    setStage("none");
    if (!waits) return;
    const line = setTimeout(() => setStage("line"), LINE_AFTER_MS);
    const words = setTimeout(() => setStage("words"), WORDS_AFTER_MS);
    return () => {
      clearTimeout(line);
      clearTimeout(words);
    };
  }, [waits]);
  if (stage === "none" || !waits) return null;
  return (
    <div className="rr-loading" role="status">
      {stage === "words" ? <span>{t("slow", { loaded, total })}</span> : null}
    </div>
  );
}

export function Failed({ reason, onRetry }: { reason: string; onRetry: () => void }) {
  const { t } = useTranslation("reading");
  return (
    <div className="rr-failed" role="alert">
      <span className="row" style={{ color: "var(--bad)" }}>
        <IconAlertTriangle size={16} stroke={1.6} />
        <span className="b">{t("imageFailed")}</span>
      </span>
      <span className="sec sm">{t("imageFailedSafe")}</span>
      <Button dense onClick={onRetry}>
        {t("tryAgain")}
      </Button>
      <details className="sm q">
        <summary>{t("details")}</summary>
        <span className="mono">{reason}</span>
      </details>
    </div>
  );
}
