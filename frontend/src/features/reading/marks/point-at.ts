/**
 * Click-to-segment: click on the lesion, drag a box around it or a stroke over it (as the tool in hand says), and its
 * outline comes back as a draft. Further clicks and strokes correct it, those with Alt or Shift say what lies beside it;
 * Enter keeps it, Esc drops it. The project's model outlines where it may and can; elsewhere an ellipse and region growing
 * do, and the bar says so.
 */
import type { Lesion, Prompted } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { askForOutline, type NoModel } from "../api/segment";
import { boxPoints, clamped, rounded } from "../geometry/mark";
import { coversFrame, sliceOf } from "../geometry/mask-grid";
import { united } from "../geometry/mask-volume";
import { simplifyLine } from "../geometry/outline";
import { outlinedWithoutModel, type PointAct, pointed, saysWhere } from "../geometry/pointing";
import { addLesion, changeLesion } from "../state/edits";
import { newId } from "../state/new-id";
import type { Outline, PointDraft } from "../state/room-ui";
import { type Gesture, type Ground, isOffImage, newLesion, type Pointer, SMALLEST_DRAG, zoomNow } from "./gesture";
import { maskPlace, sliceOutlines } from "./paint-mask";
import { voxelsOf } from "./voxels";

const MOST_CLICKS = 32;
const MOST_STROKES = 16;
/** A stroke keeps the places at which it bends by more than this, in screen pixels, and no more than the server takes. */
const STROKE_TOLERANCE = 1;
const STROKE_PLACES = 256;

/** Cases whose project has no model that answers: nobody is asked twice. */
const withoutModel = new Set<string>();

export function pointAt(ground: Ground, first: Pointer): Gesture | null {
  const { session, frame, index } = ground;
  if (isOffImage(ground, first)) {
    session.say("offImage");
    return null;
  }
  const draft = draftOf(ground);
  if (draft && draft.index !== index) {
    session.say("outlineElsewhere", { n: draft.index + 1 });
    return null;
  }
  const start = clamped(first.at, frame);
  const on = !first.alt && !first.shift;
  // Nobody boxes what is not the lesion: a drag beside it is a stroke with either tool.
  const strokes = session.ui.getState().tool === "scribble" || !on;
  let line: Point[] = [start];
  let farthest = 0;
  const follow = ({ at, canvas }: Pointer) => {
    line.push(clamped(at, frame));
    farthest = Math.max(
      farthest,
      ...canvas.map((value, axis) => Math.abs(value - (first.canvas[axis] as number))),
    );
  };
  const dragged = (pointer: Pointer): PointAct | null => {
    if (strokes) return farthest >= SMALLEST_DRAG ? { kind: "stroke", points: line, on } : null;
    const spans = pointer.canvas.every(
      (value, axis) => Math.abs(value - (first.canvas[axis] as number)) >= SMALLEST_DRAG,
    );
    if (!spans) return null;
    const [from, to] = boxPoints(start, clamped(pointer.at, frame)) as [Point, Point];
    return { kind: "box", from, to };
  };
  const show = (act: PointAct | null) => {
    const now = draftOf(ground) ?? { kind: "point" as const, id: newId(), index, steps: [], drag: null };
    if (act || now.steps.length) session.ui.setState({ draft: { ...now, drag: act } });
    else session.ui.setState({ draft: null });
  };
  return {
    move: (pointer, passed) => {
      for (const one of [...passed, pointer]) follow(one);
      line = [...line];
      show(dragged(pointer));
    },
    end: (pointer) => {
      follow(pointer);
      const act = dragged(pointer);
      show(null);
      point(ground, act ? keptAct(act, zoomNow(ground)) : { kind: "click", at: rounded(start), on });
    },
    cancel: () => show(null),
  };
}

/** As it is sent: rounded, a stroke without the places between which it runs straight. */
function keptAct(act: PointAct, zoom: number): PointAct {
  if (act.kind === "box") return { ...act, from: rounded(act.from), to: rounded(act.to) };
  if (act.kind === "click") return { ...act, at: rounded(act.at) };
  let points = act.points;
  for (let slack = STROKE_TOLERANCE / zoom; ; slack *= 2) {
    points = simplifyLine(act.points, slack);
    if (points.length <= STROKE_PLACES) break;
  }
  return { ...act, points: points.map(rounded) };
}

/** Click in the middle of the view: the tool without a mouse. */
export function pointAtMiddle(ground: Ground, at: Point): void {
  point(ground, { kind: "click", at: rounded(clamped(at, ground.frame)), on: true });
}

function draftOf({ session }: Pick<Ground, "session">): PointDraft | null {
  const { draft } = session.ui.getState();
  return draft?.kind === "point" ? draft : null;
}

function point(ground: Ground, act: PointAct): void {
  const { session, index } = ground;
  if (!session.activeType) {
    session.say("noType");
    return;
  }
  const draft = draftOf(ground) ?? { kind: "point" as const, id: newId(), index, steps: [], drag: null };
  const drawn = draft.steps.filter((step) => step.act.kind === "stroke").length;
  if (draft.steps.length >= MOST_CLICKS || (act.kind === "stroke" && drawn >= MOST_STROKES)) {
    session.say("tooManyClicks");
    return;
  }
  const acts = [...draft.steps.map((step) => step.act), act];
  if (!saysWhere(pointed(acts))) {
    session.say("pointOnFirst");
    return;
  }
  session.say(null);
  session.ui.setState({ draft: { ...draft, steps: [...draft.steps, { act, outline: null }] } });
  void outline(ground, draft.id, acts);
}

/** Find the outline of these acts and lay it at the last of them; what was taken back meanwhile is no longer shown. */
async function outline(ground: Ground, id: string, acts: PointAct[]): Promise<void> {
  const { session } = ground;
  const found = await outlineOf(ground, acts);
  const draft = draftOf(ground);
  if (draft?.id !== id || !draft.steps[acts.length - 1]) return;
  if (!acts.every((act, i) => draft.steps[i]?.act === act)) return;
  const steps = draft.steps.map((step, i) => (i === acts.length - 1 ? { ...step, outline: found } : step));
  session.ui.setState({ draft: { ...draft, steps } });
}

async function outlineOf(ground: Ground, acts: PointAct[]): Promise<Outline> {
  const { session, frame, index } = ground;
  const { room, project } = session;
  let why: NoModel | null = null;
  if (room.arm !== "assisted" || room.first_look) why = "blinded";
  else if (withoutModel.has(room.case.id)) why = "noModel";
  const prompt = pointed(acts);
  const said = why ? { refused: why } : await askForOutline(project.slug, room.case.id, frame, prompt);
  if (!("refused" in said)) {
    return { ...drawn(ground, said.grid), version: said.version, generic: said.generic, why: null };
  }
  if (said.refused === "noModel") withoutModel.add(room.case.id);
  const radius = session.ui.getState().growRadius;
  return {
    ...drawn(ground, outlinedWithoutModel(voxelsOf(ground), index, prompt, radius)),
    version: null,
    generic: null,
    why: said.refused,
  };
}

function drawn({ frame, index }: Ground, grid: Outline["grid"]): Pick<Outline, "grid" | "outlines"> {
  return { grid, outlines: grid ? sliceOutlines(sliceOf(grid, index, frame.rows, frame.columns)) : [] };
}

/** What is shown of a draft: the newest outline that has come. */
export function shownOutline(draft: PointDraft): Outline | null {
  return draft.steps.findLast((step) => step.outline)?.outline ?? null;
}

/** The selected lesion that the draft would continue: a mask that does not reach this slice yet. */
export function continued({ session, index }: Pick<Ground, "session" | "index">): Lesion | null {
  const lesion = session.selectedLesion;
  if (!lesion?.mask || coversFrame(lesion.mask, index)) return null;
  return session.ui.getState().locked.has(lesion.id) ? null : lesion;
}

/** Take the last click, stroke or box back; false when nothing is being pointed at. */
export function unpoint(ground: Pick<Ground, "session">): boolean {
  const draft = draftOf(ground);
  if (!draft) return false;
  const steps = draft.steps.slice(0, -1);
  const last = steps.at(-1);
  ground.session.ui.setState({ draft: last ? { ...draft, steps } : null });
  return true;
}

/** Keep the outline as a lesion, with the clicks and strokes from which it was made; false when nothing is being pointed at. */
export function keepOutline(ground: Ground): boolean {
  const { session } = ground;
  const draft = draftOf(ground);
  if (!draft) return false;
  const last = draft.steps.at(-1);
  if (!last?.outline) {
    session.say("outlineComing");
    return true;
  }
  const { grid, version, generic } = last.outline;
  if (!grid) {
    session.say("nothingThere");
    return true;
  }
  const prompted: Prompted = { version, ...pointed(draft.steps.map(({ act }) => act)) };
  if (generic) prompted.generic = generic;
  const lesion = continued({ session, index: draft.index });
  const kept = lesion && session.masks.gridOf(lesion.mask);
  if (lesion && !kept) {
    session.say("maskLoading");
    return true;
  }
  const whole = kept ? united([kept, grid]) : grid;
  const place = whole && maskPlace(ground, whole);
  if (!place) return true;
  const added = lesion
    ? { ...lesion, ...place, prompted: lesion.prompted ?? prompted }
    : newLesion(ground, { id: newId(), ...place, prompted });
  if (!added) return true;
  session.ui.setState({ draft: null });
  session.edit((doc) => (lesion ? changeLesion(doc, added) : addLesion(doc, added)));
  session.select(added.id);
  return true;
}
