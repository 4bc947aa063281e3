/**
 * Click-to-segment: click on the lesion, Alt or Shift and click beside it, or drag a box around it, and its outline comes
 * back as a draft. Further clicks correct it, Enter keeps it, Esc drops it. The project's model outlines where it may and
 * can; elsewhere an ellipse and region growing do, and the bar says so.
 */
import type { Lesion, Prompted } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { askForOutline, type NoModel } from "../api/segment";
import { boxPoints, clamped, rounded } from "../geometry/mark";
import { coversFrame, sliceOf } from "../geometry/mask-grid";
import { united } from "../geometry/mask-volume";
import { outlinedWithoutModel, type PointAct, pointed } from "../geometry/pointing";
import { addLesion, changeLesion } from "../state/edits";
import { newId } from "../state/new-id";
import type { Outline, PointDraft } from "../state/room-ui";
import { type Gesture, type Ground, isOffImage, newLesion, type Pointer, SMALLEST_DRAG } from "./gesture";
import { maskPlace, sliceOutlines } from "./paint-mask";
import { voxelsOf } from "./voxels";

const MOST_CLICKS = 32;

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
  const isBox = ({ canvas }: Pointer) =>
    Math.abs(canvas[0] - first.canvas[0]) >= SMALLEST_DRAG &&
    Math.abs(canvas[1] - first.canvas[1]) >= SMALLEST_DRAG;
  const drag = (to: Point | null) => {
    const now = draftOf(ground) ?? { kind: "point" as const, id: newId(), index, steps: [], drag: null };
    if (to || now.steps.length) session.ui.setState({ draft: { ...now, drag: to && boxPoints(start, to) } });
    else session.ui.setState({ draft: null });
  };
  return {
    move: (pointer) => drag(isBox(pointer) ? clamped(pointer.at, frame) : null),
    end: (pointer) => {
      drag(null);
      if (isBox(pointer)) {
        const [from, to] = boxPoints(start, clamped(pointer.at, frame)).map(rounded) as [Point, Point];
        point(ground, { kind: "box", from, to });
      } else point(ground, { kind: "click", at: rounded(start), on: !first.alt && !first.shift });
    },
    cancel: () => drag(null),
  };
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
  if (draft.steps.length >= MOST_CLICKS) {
    session.say("tooManyClicks");
    return;
  }
  const acts = [...draft.steps.map((step) => step.act), act];
  const { positive, box } = pointed(acts);
  if (positive.length === 0 && !box) {
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
    return { ...drawn(ground, said.grid), version: said.version, why: null };
  }
  if (said.refused === "noModel") withoutModel.add(room.case.id);
  const radius = session.ui.getState().growRadius;
  return {
    ...drawn(ground, outlinedWithoutModel(voxelsOf(ground), index, prompt, radius)),
    version: null,
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

/** Take the last click or box back; false when nothing is being pointed at. */
export function unpoint(ground: Pick<Ground, "session">): boolean {
  const draft = draftOf(ground);
  if (!draft) return false;
  const steps = draft.steps.slice(0, -1);
  const last = steps.at(-1);
  ground.session.ui.setState({ draft: last ? { ...draft, steps } : null });
  return true;
}

/** Keep the outline as a lesion, with the clicks from which it was made; false when nothing is being pointed at. */
export function keepOutline(ground: Ground): boolean {
  const { session } = ground;
  const draft = draftOf(ground);
  if (!draft) return false;
  const last = draft.steps.at(-1);
  if (!last?.outline) {
    session.say("outlineComing");
    return true;
  }
  const { grid, version } = last.outline;
  if (!grid) {
    session.say("nothingThere");
    return true;
  }
  const prompted: Prompted = { version, ...pointed(draft.steps.map(({ act }) => act)) };
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
