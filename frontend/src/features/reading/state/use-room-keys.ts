/** Binds the keys of the room to what they do. */
import { useEffect } from "react";
import { presetsOf } from "@/lib/imaging/windows";
import { isTyping } from "@/lib/use-keys";
import { nextBrushSize } from "../geometry/brush";
import { closeContour, unclickContour } from "../marks/click-contour";
import { maskToPolygon, nudge, removeVertex, resize } from "../marks/edit-mark";
import { type Ground, groundOf } from "../marks/gesture";
import {
  boxToEllipse,
  copyToSlice,
  cycleMarks,
  duplicate,
  fillHoles,
  interpolate,
  merge,
  removeIslands,
  revert,
  snapToEdge,
  split,
  toBox,
  toMask,
} from "../marks/mask-acts";
import { measureLesion } from "../marks/measure-marks";
import { placeMark } from "../marks/place-mark";
import { keepOutline, unpoint } from "../marks/point-at";
import { activateNeighbour, chooseLayout, cycleLayout, link, stepImages } from "./arrange";
import { valueOfKey } from "./attribute-keys";
import { nextSpeed } from "./display";
import { type Command, commandOf, keyOf } from "./keymap";
import { REJECT_REASONS, type RoomSession } from "./room-session";
import { isPointingTool, type Tool } from "./room-ui";
import type { ReviewActs } from "./use-review";

interface Around {
  own: Record<string, string>;
  submit: () => void;
  previousCase: () => void;
  focusComment: () => void;
  /** Deciding on another's reading; null where the case is read. */
  review: ReviewActs | null;
}

/** Commands that take a tool in hand; they have its name. */
const TOOL_COMMANDS = [
  ...(["select", "window", "pan", "zoom"] as const),
  ...(["box", "ellipse", "circle", "polygon", "freehand", "spline", "livewire", "point"] as const),
  ...(["brush", "sphereBrush", "thresholdBrush", "dynamicBrush", "eraser"] as const),
  ...(["lasso", "scissors", "fillHole", "segment", "scribble", "grow"] as const),
  ...(["length", "bidirectional", "angle", "roi", "arrow"] as const),
] satisfies (Tool & Command)[];

/** A key that is held down decides once: else it would accept everything. */
const ONE_BY_ONE: ReadonlySet<Command> = new Set<Command>([
  "accept",
  "acceptAll",
  "editFinding",
  "reject",
  "submit",
  "agree",
  "editReading",
  "sendBack",
  "skip",
]);

type Acts = Partial<Record<Command, () => unknown>>;

export function useRoomKeys(session: RoomSession, around: Around): void {
  useEffect(() => {
    const onDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('[role="dialog"],[role="menu"]')) return;
      const pressed = keyOf(event);
      if (isTyping(event.target)) leaveField(event);
      if (isTyping(event.target) || session.isOver) return;
      const chosen = () =>
        around.review
          ? around.review.giveReason(Number(pressed))
          : rejectReason(session, pressed) || attributeValue(session, pressed) || typeKey(session, pressed);
      const command = commandOf(pressed, around.own, session.doing);
      if (event.repeat ? command && ONE_BY_ONE.has(command) : chosen()) {
        event.preventDefault();
        return;
      }
      if (!command || staysWithControl(event, command)) return;
      const act = actsOf(session, around)[command];
      if (act && act() !== false) event.preventDefault();
    };
    const onUp = (event: KeyboardEvent) => {
      if (commandOf(keyOf(event), around.own, session.doing) === "originals")
        session.ui.setState({ originals: false });
    };
    window.addEventListener("keydown", onDown);
    window.addEventListener("keyup", onUp);
    return () => {
      window.removeEventListener("keydown", onDown);
      window.removeEventListener("keyup", onUp);
    };
  }, [session, around]);
}

/** Escape, and Enter where it has nothing to send, end the typing: the next key is a command again. */
function leaveField(event: KeyboardEvent): void {
  const field = event.target as HTMLElement;
  const sends = !(field instanceof HTMLInputElement) || field.form !== null;
  if (!event.isComposing && (event.key === "Escape" || (event.key === "Enter" && !sends))) field.blur();
}

const ARROWS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"];

/** Enter, Space and the arrows belong to the button, slider or radio that has the focus; Tab to panels without findings. */
function staysWithControl(event: KeyboardEvent, command: Command): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const control = target?.closest("button,a,input,summary,[role=radio],[role=slider]");
  if (command === "nextFinding" || command === "previousFinding") {
    return Boolean(control) && !control?.closest("[data-findings]");
  }
  return Boolean(control) && ["Enter", " ", "Home", "End"].concat(ARROWS).includes(event.key);
}

/** 1 to 6 while the reason of a rejection is asked for. */
function rejectReason(session: RoomSession, pressed: string): boolean {
  const { rejecting } = session.ui.getState();
  const reason = REJECT_REASONS[Number(pressed) - 1];
  const finding = session.findings.find((one) => one.id === rejecting);
  if (!finding || !reason) return false;
  session.reject(finding, reason);
  return true;
}

/** A value's key while an attribute is in hand; then the next attribute is. */
function attributeValue(session: RoomSession, pressed: string): boolean {
  const { attributeInHand } = session.ui.getState();
  const attribute = session.attributesOfSelected.find(({ name }) => name === attributeInHand);
  const value = attribute && valueOfKey(attribute, pressed);
  if (!attribute || value === undefined) return false;
  session.sayAttribute(attribute.name, value);
  session.takeAttribute(attribute.name);
  return true;
}

/** The keys that the project gave to its finding types. */
function typeKey(session: RoomSession, pressed: string): boolean {
  const lesionType = session.lesionTypes.find((type) => type.key.toUpperCase() === pressed);
  if (lesionType) session.chooseType(lesionType.id);
  const imageType = session.imageTypes.find((type) => type.key.toUpperCase() === pressed);
  if (imageType) session.toggleImageFinding(imageType.id);
  return Boolean(lesionType ?? imageType);
}

function actsOf(session: RoomSession, around: Around): Acts {
  const { ui } = session;
  const view = session.activeView;
  const onGround = (act: (ground: Ground) => unknown) => () => {
    const ground = groundOf(session);
    if (ground) act(ground);
  };
  const preset = (index: number) => () => {
    const chosen = presetsOf(session.room.case.modality)[index];
    if (chosen) view?.applyPreset(chosen);
  };
  // The same keys make the brush and the reach of a grown region larger and smaller.
  const brush = (direction: 1 | -1) => () =>
    ui.setState(({ tool, brushSize, growRadius }) =>
      tool === "grow" || isPointingTool(tool)
        ? { growRadius: Math.min(200, Math.max(2, Math.round(growRadius * (direction > 0 ? 1.25 : 0.8)))) }
        : { brushSize: nextBrushSize(brushSize, direction) },
    );
  /** What changes marks is for those who may. */
  const change = (act: (ground: Ground) => unknown) => () =>
    session.isReadonly ? session.say("readonly") : onGround(act)();
  const opacity = (by: number) => () =>
    ui.setState((state) => ({
      fill: true,
      opacity: Math.min(0.4, Math.max(0.05, Math.round((state.opacity + by) * 100) / 100)),
    }));
  const onSelected = (set: "hidden" | "locked") => () => {
    const lesion = session.selectedLesion;
    if (lesion) session.toggle(set, lesion.id);
    return lesion !== null;
  };
  const tools = Object.fromEntries(TOOL_COMMANDS.map((tool) => [tool, () => session.setTool(tool)]));
  return {
    ...tools,
    ...reviewActs(around.review),
    nextFinding: () => (around.review ? selectNeighbour(session, 1) : session.focusNext(1)),
    previousFinding: () => (around.review ? selectNeighbour(session, -1) : session.focusNext(-1)),
    accept: () => session.accept(),
    acceptAll: () => session.acceptAll(),
    reveal: () => void session.reveal(),
    editFinding: () => session.editFinding(),
    reject: () => session.askRejection(),
    submit: around.submit,
    previousCase: around.previousCase,
    lesions: () => session.chooseVerdict("lesions"),
    noLesion: () => session.chooseVerdict("no_lesion"),
    notReadable: () => session.chooseVerdict("not_readable"),
    defer: () => session.chooseVerdict("deferred"),
    raiseThreshold: () => session.changeThreshold(session.threshold + 0.05),
    lowerThreshold: () => session.changeThreshold(session.threshold - 0.05),
    comment: around.focusComment,
    report: () => ui.setState(({ reportOpen }) => ({ left: true, reportOpen: !reportOpen })),
    boxToEllipse: change(boxToEllipse),
    brushSmaller: brush(-1),
    brushLarger: brush(1),
    fill: () => ui.setState(({ fill }) => ({ fill: !fill })),
    maskToPolygon: change(maskToPolygon),
    snapToEdge: change(snapToEdge),
    toBox: change(toBox),
    toMask: change(toMask),
    revert: change(revert),
    interpolate: change(interpolate),
    copyToNext: change((ground) => copyToSlice(ground, 1)),
    copyToPrevious: change((ground) => copyToSlice(ground, -1)),
    fillHoles: change(fillHoles),
    removeIslands: change(removeIslands),
    duplicate: change(duplicate),
    merge: change(merge),
    split: change(split),
    measureLesion: change(measureLesion),
    attributes: () => session.takeAttribute(ui.getState().attributeInHand),
    cycleMarks: onGround(cycleMarks),
    hideMark: onSelected("hidden"),
    lockMark: onSelected("locked"),
    fainter: opacity(-0.05),
    stronger: opacity(0.05),
    colourBy: () => ui.setState(({ colourBy }) => ({ colourBy: colourBy === "type" ? "reader" : "type" })),
    nextSlice: () => view?.step(1),
    previousSlice: () => view?.step(-1),
    tenForward: () => view?.step(10),
    tenBack: () => view?.step(-10),
    firstSlice: () => view?.goTo(0),
    lastSlice: () => view?.goTo(view.store.getState().frames.length - 1),
    preset1: preset(0),
    preset2: preset(1),
    preset3: preset(2),
    preset4: preset(3),
    preset5: preset(4),
    preset6: preset(5),
    preset7: preset(6),
    zoomIn: () => view?.zoom(1.25),
    zoomOut: () => view?.zoom(0.8),
    invert: () => view?.invert(),
    flipHorizontal: () => view?.flip("horizontal"),
    flipVertical: () => view?.flip("vertical"),
    rotate: () => view?.rotate(),
    reset: () => view?.reset(),
    actualSize: () => view?.actualSize(),
    ...displayActs(session),
    overlays: () => ui.setState(({ overlays }) => ({ overlays: !overlays })),
    originals: () => ui.setState({ originals: true }),
    hideMarks: () => ui.setState(({ marksHidden }) => ({ marksHidden: !marksHidden })),
    reportName: () => session.askNameReport(),
    leftPanel: () => ui.setState(({ left }) => ({ left: !left })),
    rightPanel: () => ui.setState(({ right }) => ({ right: !right })),
    undo: () => unpoint({ session }) || session.undo(),
    redo: () => session.redo(),
    done: onGround((ground) => finishOrPlace(session, ground)),
    cancel: () => cancel(session),
    remove: onGround((ground) => {
      if (unpoint(ground)) return;
      if (!unclickContour(ground) && !removeVertex(ground, ui.getState().hover)) session.deleteSelected();
    }),
    nextMark: () => void selectNeighbour(session, 1),
    previousMark: () => void selectNeighbour(session, -1),
    moveLeft: onGround((ground) => shift(ground, [-1, 0])),
    moveRight: onGround((ground) => shift(ground, [1, 0])),
    moveUp: onGround((ground) => shift(ground, [0, -1])),
    moveDown: onGround((ground) => shift(ground, [0, 1])),
    wider: onGround((ground) => resize(ground, [1, 0])),
    narrower: onGround((ground) => resize(ground, [-1, 0])),
    taller: onGround((ground) => resize(ground, [0, 1])),
    flatter: onGround((ground) => resize(ground, [0, -1])),
    keys: () => ui.setState({ keysShown: true }),
  };
}

function reviewActs(review: ReviewActs | null): Acts {
  if (!review) return {};
  const { agree, edit, askSendBack, skip } = review;
  return { agree, editReading: edit, sendBack: askSendBack, skip };
}

function displayActs(session: RoomSession): Acts {
  const { display, ui, frames } = session;
  const change = (direction: 1 | -1) => () =>
    display.setState(({ speed }) => ({ speed: nextSpeed(speed, direction) }));
  return {
    magnifier: () => display.setState(({ magnifier }) => ({ magnifier: !magnifier })),
    layout: () => cycleLayout(session),
    mpr: () => chooseLayout(session, display.getState().layout === "mpr" ? "1x1" : "mpr"),
    nextPane: () => activateNeighbour(session, 1),
    previousPane: () => activateNeighbour(session, -1),
    nextImages: () => stepImages(session, 1),
    previousImages: () => stepImages(session, -1),
    link: () => link(session, !display.getState().linked),
    crossHere: () => {
      const at = ui.getState().hover;
      if (at) display.setState(({ cross }) => ({ cross: cross && [at[0] - 0.5, at[1] - 0.5, cross[2]] }));
    },
    cine: () => display.setState(({ playing }) => ({ playing: frames.length > 1 && !playing })),
    faster: change(1),
    slower: change(-1),
  };
}

const PAN_PX = 48;

/** The selected mark by a pixel; without one, the view. */
function shift(ground: Ground, by: [number, number]): void {
  const { session } = ground;
  const view = session.activeView ?? ground.view;
  if (session.selectedLesion && view === ground.view) nudge(ground, by);
  else view.pan(-by[0] * PAN_PX, -by[1] * PAN_PX);
}

/** Enter: close the polygon, accept nothing by itself; without anything open, a mark in the middle of the view. */
function finishOrPlace(session: RoomSession, ground: Ground): void {
  if (keepOutline(ground)) return;
  if (session.ui.getState().draft?.kind === "polygon") closeContour(ground);
  else if (session.activeView !== session.view) session.say("besideReadonly");
  else placeMark(ground);
}

/** Esc takes back one thing at a time, the newest first. */
function cancel(session: RoomSession): void {
  const { draft, rejecting, reasonFor, sendBack, attributeInHand, hint } = session.ui.getState();
  if (draft) session.ui.setState({ draft: null });
  else if (sendBack) session.ui.setState({ sendBack: null });
  else if (rejecting) session.ui.setState({ rejecting: null });
  else if (reasonFor) session.ui.setState({ reasonFor: null });
  else if (attributeInHand) session.ui.setState({ attributeInHand: null });
  else if (session.ui.getState().selectedMeasurement) session.selectMeasurement(null);
  else if (session.store.getState().selected) session.select(null);
  else if (session.store.getState().focused) session.focus(null);
  else if (hint) session.say(null);
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/** False at either end, where there is nothing to go to. */
function selectNeighbour(session: RoomSession, direction: 1 | -1): boolean {
  const { doc, selected } = session.store.getState();
  if (doc.lesions.length === 0) return false;
  const at = doc.lesions.findIndex((lesion) => lesion.id === selected);
  const from = at < 0 ? (direction > 0 ? -1 : doc.lesions.length) : at;
  const lesion = doc.lesions[Math.min(doc.lesions.length - 1, Math.max(0, from + direction))];
  if (!lesion) return false;
  session.select(lesion.id);
  session.goToLesion(lesion);
  return lesion.id !== selected;
}
