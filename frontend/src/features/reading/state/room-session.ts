/** One case in the hands of one reader: its stores, its way to the server, and everything a command can do. */
import { flushSync } from "react-dom";
import type {
  Attribute,
  FindingType,
  Lesion,
  Project,
  Reading,
  ReviewRow,
  Room,
  RoomPreferences,
  Verdict,
} from "@/lib/api-types";
import { takes, unsaid } from "@/lib/attributes";
import type { Point } from "@/lib/imaging/coordinates";
import { type FrameRef, framesOf } from "@/lib/imaging/frames";
import type { StackView } from "@/lib/imaging/stack-view";
import { fetchBlob, readRoom, transportOf } from "../api/reading-api";
import { boundsOf, outlineOf } from "../geometry/mark";
import { coversFrame } from "../geometry/mask-grid";
import { ACCEPT_ALL_REFUSED, putBack } from "./accept-all";
import { ActivityClock } from "./activity-clock";
import { nextAttribute } from "./attribute-keys";
import { createDisplay, type DisplayStore } from "./display";
import { documentOf, type ReadingDocument, sameContent } from "./document";
import {
  adoptFinding,
  changeLesion,
  completeImageFindings,
  rejectFinding,
  removeLesion,
  removeMeasurement,
  setAttribute,
  setThreshold,
  setVerdict,
  toggleAttribute,
  toggleImageFinding,
} from "./edits";
import { answerForTab, type JournalEntry, journal } from "./journal";
import type { Doing } from "./keymap";
import { LinkedViews } from "./linked-views";
import { MaskStore } from "./mask-store";
import { newId } from "./new-id";
import { firstIndexOf } from "./opening";
import { byScore, createReadingStore, type ReadingStore, undecidedOf } from "./reading-store";
import type { OpenedRoom } from "./review-room";
import {
  createRoomUi,
  isMarkTool,
  isMeasureTool,
  kindOfTool,
  type MarkTool,
  mayUse,
  type ReasonFor,
  type RoomUiStore,
  type Tool,
} from "./room-ui";
import { SaveQueue, type SubmitOutcome, type Transport } from "./save-queue";
import { holds, SlicesRead } from "./slices-read";

interface SessionOptions {
  room: OpenedRoom;
  project: Project;
  user: string;
  /** How the person likes the room. */
  preferences?: RoomPreferences;
  onSubmitted: (reading: Reading) => void;
  onReplaced: (reading: Reading) => void;
  /** The first look is over: the room with what the model found. */
  onRevealed: (room: Room) => void;
  /** The reading changed in a way that only opening the case anew shows. */
  onReload: () => void;
}

/** What keeps a reading from being submitted: a key of the words file and what its sentence names. */
export interface Obstacle {
  key: string;
  count?: number;
  type?: string;
  attribute?: string;
}

export const REJECT_REASONS = ["normal", "vessel", "artefact", "duplicate", "question", "other"] as const;
export const VERDICT_REASONS: Record<ReasonFor, readonly string[]> = {
  not_readable: ["quality", "incomplete", "wrongPart"],
  deferred: ["colleague", "prior", "later"],
};
/** Said to the reader whose reading is sent back, by the keys 1, 2 …; the last one is written by hand. */
export const SEND_BACK_REASONS = ["missing", "extra", "outline", "type", "other"] as const;

export class RoomSession {
  room: Room;
  readonly user: string;
  readonly project: Project;
  readonly frames: FrameRef[];
  readonly store: ReadingStore;
  readonly ui: RoomUiStore;
  readonly display: DisplayStore;
  /** Views that follow each other; those beside the case's own by the id of their case. */
  readonly links = new LinkedViews();
  readonly beside = new Map<string, StackView>();
  /** Keeps a change of how the person likes the room. */
  keep: (change: RoomPreferences) => void = () => undefined;
  readonly masks: MaskStore;
  readonly queue: SaveQueue;
  readonly clock: ActivityClock;
  readonly slices: SlicesRead;
  readonly readonlyReason: string | null;
  /** Another person's reading is looked at, to be decided on; null where the case is read. */
  readonly review: ReviewRow | null;
  /** Findings of the model in the order of their scores; none in the blinded arm and before the reveal. */
  findings: Lesion[];
  view: StackView | null = null;
  /** A changed lesion is another object, so what was worked out for one holds. */
  private readonly contours = new WeakMap<Lesion, Point[][]>();
  private submitting = false;
  /** Handed in: what is pressed until the next case is there belongs to no case. */
  isOver = false;
  private readonly stops: (() => void)[] = [];
  private readonly onReload: () => void;
  private readonly onRevealed: (room: Room) => void;
  private revealing = false;
  /** The server said that the lead has turned "accept all" off since the case was opened. */
  private isAcceptAllOff = false;

  constructor({ room, project, user, preferences = {}, ...on }: SessionOptions) {
    const { onSubmitted, onReplaced, onReload, onRevealed } = on;
    // One name per opening, so that what a closed one left is found by the next. The reading's own says that it is open.
    const tab = newId();
    this.onReload = onReload;
    this.onRevealed = onRevealed;
    this.user = user;
    this.stops.push(answerForTab(tab), answerForTab(room.reading.id));
    this.room = room;
    this.project = project;
    this.frames = framesOf(room.series);
    this.review = room.review ?? null;
    this.readonlyReason = room.readonly;
    const first = documentOf(room.reading);
    this.findings = byScore(room.model?.findings ?? []).filter((finding) => this.concerns(finding, first));
    this.display = createDisplay({ caseId: room.case.id, modality: room.case.modality, preferences });
    this.links.isOn = this.display.getState().linked;
    this.store = createReadingStore(first);
    this.ui = createRoomUi(this.lesionTypes, this.isReadonly, preferences.left_width, this.doing);
    this.masks = new MaskStore((digest) => fetchBlob(project.slug, digest));
    this.masks.need([...first.lesions, ...this.findings, ...room.others.flatMap((other) => other.lesions)]);
    this.clock = new ActivityClock(room.reading.active_seconds);
    this.slices = SlicesRead.of(room.reading, this.frames.length > 1 && !this.isReadonly);
    const transport = transportOf(project.slug, room.case.id);
    this.queue = new SaveQueue({
      ...{ user, tab, journal, newId },
      // Whoever waits for the submission goes on with its outcome; a kept one arrives unasked.
      onSubmitted: (reading) => (this.submitting ? undefined : onSubmitted(reading)),
      onNotTaken: (outcome) => (this.submitting ? undefined : this.sayWhyNot(outcome)),
      slug: project.slug,
      caseId: room.case.id,
      caseName: room.case.name,
      reading: room.reading.id,
      etag: room.reading.etag,
      base: first,
      transport: this.review ? withoutLooking(transport) : transport,
      blobOf: this.masks.blobOf,
      activeSeconds: () => this.clock.seconds,
      slices: this.slices,
      onReplaced: (reading) =>
        reading.state === room.reading.state ? this.restart(reading) : onReplaced(reading),
    });
    this.stops.push(
      this.store.subscribe((state, before) => {
        if (state.doc === before.doc) return;
        this.masks.need(state.doc.lesions);
        this.queue.change(state.doc);
      }),
      this.queue.subscribe(() => {
        const { status } = this.queue;
        if (status.kind !== "conflict") this.ui.setState({ conflictShown: true });
        if (status.kind === "refused" && status.code === ACCEPT_ALL_REFUSED) this.isAcceptAllOff = true;
      }),
    );
  }

  /** Send what is left; what does not get through stays in the journal. */
  async close(): Promise<void> {
    this.clock.close();
    await this.queue.flush();
    this.queue.close();
    this.masks.close();
    for (const stop of this.stops) stop();
  }

  /** Whether the reading is as it was when it was opened. */
  get isUntouched(): boolean {
    return this.queue.isClean && sameContent(documentOf(this.room.reading), this.queue.mine);
  }

  /** Take over what a dead tab left of this reading. */
  async restore(entry: JournalEntry): Promise<void> {
    this.masks.adopt(entry.blobs);
    // Its decisions have their times by that clock, and nobody makes two at one time.
    this.clock.seconds = Math.max(this.clock.seconds, entry.activeSeconds);
    this.store.getState().restart(entry.doc);
    await this.queue.restore(entry, this.room.reading);
  }

  /** The view that the keys and the bar speak to: that of the active pane. */
  get activeView(): StackView | null {
    return this.beside.get(this.display.getState().active) ?? this.view;
  }

  get isReadonly(): boolean {
    return this.isOver || this.readonlyReason !== null;
  }

  get doing(): Doing {
    return this.review ? "review" : "reading";
  }

  /** Under review, what the reader decided on; a newer version's findings were none of his. */
  private concerns(finding: Lesion, { decisions }: ReadingDocument): boolean {
    return this.review ? finding.id in decisions : this.asksModel;
  }

  /** An edit of another's reading goes on from what that person decided: no finding waits in it. */
  get asksModel(): boolean {
    return !this.room.reading.revises;
  }

  get lesionTypes(): FindingType[] {
    return this.typesOf("lesion");
  }

  get imageTypes(): FindingType[] {
    return this.typesOf("image");
  }

  typeOf(id: number): FindingType | undefined {
    return this.project.finding_types.find((type) => type.id === id);
  }

  // What is shown

  /** The score from which findings are shown now. */
  get threshold(): number {
    return Math.max(this.room.model?.display_threshold ?? 0, this.store.getState().doc.display_threshold ?? 0);
  }

  shownFindings(doc: ReadingDocument = this.store.getState().doc): Lesion[] {
    const least = doc.display_threshold ?? 0;
    return this.findings.filter((finding) => doc.decisions[finding.id] || (finding.score ?? 1) >= least);
  }

  undecided(doc: ReadingDocument = this.store.getState().doc): Lesion[] {
    return undecidedOf(this.shownFindings(doc), doc);
  }

  frameIndexOf(lesion: Lesion): number {
    if (lesion.mask) return lesion.mask.origin[0] + Math.floor(lesion.mask.shape[0] / 2);
    return Math.max(
      0,
      this.frames.findIndex(({ sop, frame }) => sop === lesion.sop_instance_uid && frame === lesion.frame),
    );
  }

  isOnFrame(lesion: Lesion, index: number): boolean {
    if (lesion.mask) return coversFrame(lesion.mask, index);
    const frame = this.frames[index];
    return frame?.sop === lesion.sop_instance_uid && frame.frame === lesion.frame;
  }

  /** First and last frame of a lesion, 0-based. */
  spanOf(lesion: Lesion): [number, number] {
    if (lesion.mask) return [lesion.mask.origin[0], lesion.mask.origin[0] + lesion.mask.shape[0] - 1];
    const index = this.frameIndexOf(lesion);
    return [index, index];
  }

  /** Closed outlines (SCOORD) of a lesion on a frame. */
  outlines(lesion: Lesion, index: number): Point[][] {
    if (lesion.mask) return this.masks.outlinesOf(lesion.mask, index);
    const known = this.contours.get(lesion);
    if (known) return known;
    const made = [outlineOf(lesion.kind, lesion.points)];
    this.contours.set(lesion, made);
    return made;
  }

  /** Scroll to a lesion and bring it into view. */
  goToLesion(lesion: Lesion): void {
    const view = this.view;
    if (!view) return;
    const { target } = view.store.getState();
    const index = this.isOnFrame(lesion, target) ? target : this.frameIndexOf(lesion);
    view.goTo(index);
    const points = this.outlines(lesion, index).flat();
    if (points.length === 0) return;
    const { left, top, right, bottom } = boundsOf(points);
    view.reveal([(left + right) / 2, (top + bottom) / 2]);
  }

  /** A slice is on screen: drawn, not merely loaded. */
  noteSeen(index: number): void {
    if (!this.submitting) this.slices.add([[index, index]]);
  }

  /** How many slices were neither on screen nor bear a mark: the reading will say nothing of them. */
  unreadSlices({ lesions }: ReadingDocument): number {
    const { seen } = this.slices;
    if (!seen) return 0;
    const isMarked = (lesion: Lesion, index: number) =>
      this.isOnFrame(lesion, index) && this.outlines(lesion, index).length > 0;
    return this.frames.filter(
      (_, index) => !holds(seen, [[index, index]]) && !lesions.some((lesion) => isMarked(lesion, index)),
    ).length;
  }

  get firstFrame(): number {
    const known = this.room.reading.lesions[0];
    if (known) return this.frameIndexOf(known);
    return firstIndexOf(this.room, this.frames.length);
  }

  // Commands

  edit(change: (doc: ReadingDocument) => ReadingDocument, merge?: string): void {
    if (this.isReadonly) {
      this.say("readonly");
      return;
    }
    this.ui.setState({ hint: null });
    this.store.getState().edit(change, merge);
  }

  say(key: string | null, values?: Record<string, unknown>): void {
    this.ui.setState({ hint: key ? { key, ...(values ? { values } : {}) } : null });
  }

  /** Whether the image in the active pane is to be reported for a name that stands in it. */
  askNameReport(): void {
    const { frames, shown } = (this.activeView ?? this.view)?.store.getState() ?? { frames: [], shown: null };
    const at = shown === null ? undefined : frames[shown];
    if (at) this.ui.setState({ nameReport: { sop: at.sop, frame: at.frame } });
    else this.say("imageLoading");
  }

  setTool(tool: Tool): void {
    if (isMarkTool(tool) || isMeasureTool(tool)) {
      if (this.isReadonly) {
        this.say("readonly");
        return;
      }
      const type = this.activeType;
      if (type && !mayUse(tool, type)) {
        this.say("notAllowed", { type: type.name, mark: kindOfTool(tool as MarkTool) });
        return;
      }
    }
    const { draft } = this.ui.getState();
    this.ui.setState({ tool, draft: null, preview: null, painting: null, hint: null });
    if (draft?.kind === "point" && draft.steps.length) this.say("outlineDropped");
  }

  get activeType(): FindingType | undefined {
    const { activeType } = this.ui.getState();
    return activeType === null ? undefined : this.typeOf(activeType);
  }

  /** The type for new marks, and of the selected one. */
  chooseType(id: number): void {
    const type = this.typeOf(id);
    if (!type) return;
    const lesion = this.selectedLesion;
    if (lesion && !this.isReadonly) {
      if (!type.allowed_marks.includes(lesion.kind)) {
        this.say("notAllowed", { type: type.name, mark: lesion.kind });
        return;
      }
      const attributes = Object.fromEntries(
        Object.entries(lesion.attributes).filter(([name, value]) =>
          type.attributes.some((attribute) => attribute.name === name && takes(attribute, value)),
        ),
      );
      this.edit((doc) => changeLesion(doc, { ...lesion, finding_type: id, attributes }));
    }
    const { tool } = this.ui.getState();
    const fits = mayUse(tool, type);
    this.ui.setState({ activeType: id, hint: null, ...(fits ? {} : { tool: "select" as Tool }) });
  }

  get selectedLesion(): Lesion | null {
    const { doc, selected } = this.store.getState();
    return doc.lesions.find((lesion) => lesion.id === selected) ?? null;
  }

  select(id: string | null): void {
    this.store.getState().select(id);
    if (id) this.store.getState().focus(null);
    this.ui.setState({
      rejecting: null,
      alsoSelected: new Set(),
      selectedMeasurement: null,
      attributeInHand: null,
    });
  }

  get attributesOfSelected(): Attribute[] {
    const lesion = this.selectedLesion;
    return (lesion && this.typeOf(lesion.finding_type)?.attributes) ?? [];
  }

  sayAttribute(name: string, value: string): void {
    const lesion = this.selectedLesion;
    if (lesion) this.edit((doc) => toggleAttribute(doc, lesion, name, value));
  }

  /** A number as it stands in its field; "" says nothing. Typing it is one step of undo. */
  sayNumber(name: string, value: string): void {
    const lesion = this.selectedLesion;
    if (lesion) this.edit((doc) => setAttribute(doc, lesion, name, value), `${lesion.id} ${name}`);
  }

  /** The attribute after this one comes into the digits' hand; false where the selected lesion has none. */
  takeAttribute(after: string | null): boolean {
    const lesion = this.selectedLesion;
    const attributes = this.attributesOfSelected;
    if (!lesion || attributes.length === 0) return false;
    if (this.isReadonly) this.say("readonly");
    else this.ui.setState({ right: true, attributeInHand: nextAttribute(attributes, lesion.attributes, after) });
    return true;
  }

  selectMeasurement(id: string | null): void {
    if (id) this.select(null);
    this.ui.setState({ selectedMeasurement: id });
  }

  /** Choose another mark beside the selected one, or no longer; the first of all becomes the selected one. */
  selectAlso(id: string): void {
    const { selected } = this.store.getState();
    if (!selected || selected === id) {
      this.select(id);
      return;
    }
    const next = new Set(this.ui.getState().alsoSelected);
    if (!next.delete(id)) next.add(id);
    this.ui.setState({ alsoSelected: next });
  }

  get chosenLesions(): Lesion[] {
    const { doc, selected } = this.store.getState();
    const { alsoSelected } = this.ui.getState();
    return doc.lesions.filter(({ id }) => id === selected || alsoSelected.has(id));
  }

  toggle(set: "hidden" | "locked", id: string): void {
    const next = new Set(this.ui.getState()[set]);
    if (!next.delete(id)) next.add(id);
    this.ui.setState({ [set]: next });
  }

  /** Open a finding's row and go there. */
  focus(finding: Lesion | null): void {
    this.store.getState().focus(finding?.id ?? null);
    this.ui.setState({ rejecting: null, hint: null });
    if (!finding) return;
    this.store.getState().select(null);
    this.goToLesion(finding);
  }

  get focusedFinding(): Lesion | null {
    const { focused } = this.store.getState();
    return this.findings.find((finding) => finding.id === focused) ?? null;
  }

  /** Tab through the findings: from none to the first undecided one; false when there is nothing to go to. */
  focusNext(direction: 1 | -1): boolean {
    const shown = this.shownFindings();
    if (shown.length === 0) return false;
    const at = shown.findIndex((finding) => finding.id === this.store.getState().focused);
    if (at < 0) {
      this.focus(this.undecided()[0] ?? (direction > 0 ? shown[0] : shown.at(-1)) ?? null);
      return true;
    }
    const next = shown[at + direction];
    this.focus(next ?? null);
    return next !== undefined;
  }

  private focusUndecided(): void {
    this.focus(this.undecided()[0] ?? null);
  }

  /** The focused finding; where none is, open the first undecided one: nothing is decided unseen. */
  private findingInHand(): Lesion | null {
    if (this.isReadonly) {
      this.say("readonly");
      return null;
    }
    const finding = this.focusedFinding;
    if (!finding) this.focusUndecided();
    return finding;
  }

  accept(finding = this.findingInHand()): void {
    if (!finding) return;
    this.edit((doc) => this.adopted(doc, finding, "accepted"));
    this.focusUndecided();
  }

  get acceptsAll(): boolean {
    return this.project.accept_all && !this.isAcceptAllOff;
  }

  /** Accept every shown finding that is not decided yet: where the project's lead allows it, one step of undo. */
  acceptAll(): boolean {
    if (!this.acceptsAll) return false;
    if (this.isReadonly) {
      this.say("readonly");
      return true;
    }
    const { threshold } = this;
    const atSeconds = this.clock.stamp();
    const accept = (doc: ReadingDocument, predicted: Lesion) =>
      adoptFinding(doc, { predicted, kind: "accepted", id: newId(), threshold, atSeconds, atOnce: true });
    this.edit((doc) => this.undecided(doc).reduce(accept, doc));
    return true;
  }

  /** The lead no longer allows what was accepted at once: undecided again, one step of undo; then saving goes on. */
  putBackAccepted(): void {
    const held = this.queue.acceptedAtOnce;
    this.edit((doc) => putBack(doc, held, this.findings, () => this.clock.stamp()));
    this.focusUndecided();
  }

  private adopted(doc: ReadingDocument, predicted: Lesion, kind: "accepted" | "edited"): ReadingDocument {
    const { threshold, clock } = this;
    return adoptFinding(doc, { predicted, kind, id: newId(), threshold, atSeconds: clock.stamp() });
  }

  /** The first look is over: keep it apart and show what the model found. */
  async reveal(): Promise<void> {
    if (!this.room.first_look || !this.asksModel || this.revealing) return;
    if (this.isReadonly) return this.say("readonly");
    const { verdict } = this.store.getState().doc;
    if (verdict === "" || verdict === "deferred") return this.say("lookFirst");
    this.revealing = true;
    const reply = await this.queue.reveal().finally(() => {
      this.revealing = false;
    });
    if (reply?.kind === "refused") return this.say("refused", { reason: reply.reason });
    if (reply?.kind !== "ok") return this.say(reply?.kind === "no_verdict" ? "lookFirst" : "revealLater");
    await this.showRevealed();
  }

  private async showRevealed(): Promise<void> {
    try {
      const room = await readRoom(this.project.slug, this.room.case.id);
      this.room = room;
      this.findings = byScore(room.model?.findings ?? []);
      this.masks.need(this.findings);
      this.say(room.model ? null : "noModelRead");
      this.onRevealed(room);
    } catch {
      // Revealed, and the server gone since: opening the case anew shows the findings.
      this.onReload();
    }
  }

  /** Take a finding over and open it for editing. */
  editFinding(finding = this.findingInHand()): void {
    if (!finding) return;
    this.edit((doc) => this.adopted(doc, finding, "edited"));
    const copy = this.store.getState().doc.decisions[finding.id]?.lesion ?? null;
    this.goToLesion(finding);
    this.select(copy);
    this.ui.setState({ tool: finding.kind === "mask" ? "brush" : "select", activeType: finding.finding_type });
  }

  /** Ask for the reason; a second X rejects without one. */
  askRejection(finding = this.findingInHand()): void {
    if (!finding) return;
    if (this.ui.getState().rejecting === finding.id) {
      this.reject(finding, "");
      return;
    }
    this.ui.setState({ rejecting: finding.id });
  }

  reject(finding: Lesion, reason: string): void {
    const { threshold, clock } = this;
    this.edit((doc) => rejectFinding(doc, { predicted: finding, reason, threshold, atSeconds: clock.stamp() }));
    this.ui.setState({ rejecting: null });
    this.focusUndecided();
  }

  changeThreshold(to: number): void {
    const least = this.room.model?.display_threshold;
    if (least === undefined) return;
    this.edit((doc) => setThreshold(doc, to, least), "threshold");
  }

  deleteSelected(): void {
    const { selectedMeasurement } = this.ui.getState();
    if (selectedMeasurement) {
      this.edit((doc) => removeMeasurement(doc, selectedMeasurement));
      this.selectMeasurement(null);
      return;
    }
    const lesion = this.selectedLesion;
    if (!lesion) return;
    if (this.ui.getState().locked.has(lesion.id)) this.say("locked");
    else this.edit((doc) => removeLesion(doc, lesion.id));
  }

  toggleImageFinding(id: number): void {
    this.edit((doc) => toggleImageFinding(doc, id));
  }

  /** Not readable and defer first ask for their reason. */
  chooseVerdict(verdict: Verdict): void {
    if (this.isReadonly) {
      this.say("readonly");
      return;
    }
    if (verdict === "not_readable" || verdict === "deferred") {
      // At once, so that what is typed next goes into the field.
      flushSync(() => this.ui.setState({ reasonFor: verdict, hint: null }));
      return;
    }
    this.ui.setState({ reasonFor: null });
    this.edit((doc) => setVerdict(doc, verdict));
  }

  giveReason(reason: string): void {
    const { reasonFor } = this.ui.getState();
    if (!reasonFor) return;
    if (reason.trim()) this.edit((doc) => setVerdict(doc, reasonFor, reason.trim()));
    this.ui.setState({ reasonFor: null });
  }

  undo(): void {
    if (!this.isReadonly) this.store.getState().undo();
  }

  redo(): void {
    if (!this.isReadonly) this.store.getState().redo();
  }

  /** What keeps the reading from being submitted, as a key of the words file; null when nothing does. */
  obstacle(doc: ReadingDocument = this.store.getState().doc): Obstacle | null {
    const open = this.undecided(doc).length;
    if (doc.verdict === "deferred") return doc.verdict_reason ? null : { key: "noReason" };
    if (this.room.first_look && this.asksModel) return { key: doc.verdict === "" ? "lookFirst" : "toReveal" };
    if (open > 0) return { key: "toDecide", count: open };
    if (doc.verdict === "") return { key: "noVerdict" };
    const marks = doc.lesions.length;
    const positive = Object.values(doc.image_findings).includes("present");
    if (doc.verdict === "lesions" && marks === 0 && !positive) return { key: "nothingMarked" };
    if (doc.verdict !== "lesions" && marks > 0) return { key: "marksContradict", count: marks };
    // What was handed in before an attribute became required stays as it is.
    const lesion = this.isReadonly ? undefined : this.unsaidOf(doc);
    if (!lesion) return null;
    const type = this.typeOf(lesion.finding_type);
    return {
      key: "attributeMissing",
      type: `${type?.name} ${doc.lesions.indexOf(lesion) + 1}`,
      attribute: unsaid(type?.attributes ?? [], lesion.attributes)?.name,
    };
  }

  /** The first lesion that does not say yet what its type requires. */
  private unsaidOf(doc: ReadingDocument): Lesion | undefined {
    return doc.lesions.find((one) => unsaid(this.typeOf(one.finding_type)?.attributes ?? [], one.attributes));
  }

  /** Go to that lesion, with the attribute in hand. */
  private takeUnsaid(): void {
    const lesion = this.unsaidOf(this.store.getState().doc);
    const attribute = lesion && unsaid(this.typeOf(lesion.finding_type)?.attributes ?? [], lesion.attributes);
    if (!lesion || !attribute) return;
    this.select(lesion.id);
    this.goToLesion(lesion);
    this.ui.setState({ right: true, attributeInHand: attribute.name });
  }

  async submit(): Promise<SubmitOutcome | null> {
    if (this.isReadonly) {
      this.say("readonly");
      return null;
    }
    if (this.ui.getState().draft?.kind === "point") {
      this.say("outlineOpen");
      return null;
    }
    const obstacle = this.obstacle();
    if (obstacle) {
      if (obstacle.key === "toDecide") this.focusUndecided();
      if (obstacle.key === "attributeMissing") this.takeUnsaid();
      const { key, ...values } = obstacle;
      this.say(key, values);
      return null;
    }
    const { verdict } = this.store.getState().doc;
    if (verdict === "lesions" || verdict === "no_lesion") {
      this.edit((doc) =>
        completeImageFindings(
          doc,
          this.imageTypes.map((type) => type.id),
        ),
      );
    }
    this.submitting = true;
    const outcome = await this.queue.submit();
    this.submitting = false;
    this.isOver = outcome.kind === "submitted";
    this.sayWhyNot(outcome);
    return outcome;
  }

  /** Of a submission that was not taken, also of one kept while there was no network: nobody may think it was. */
  private sayWhyNot(outcome: SubmitOutcome): void {
    if (outcome.kind === "undecided") this.focusUndecided();
    if (outcome.kind === "refused") this.sayRefused(outcome);
    if (outcome.kind === "no_verdict") this.say("noVerdict");
  }

  private sayRefused({ reason, code }: { reason: string; code?: string }): void {
    const { revises } = this.room.reading;
    if (code === "stale" && revises) this.say("editStale", { name: revises.reader.name });
    else if (code === "edited" && revises) this.say("editedFirst", { name: revises.reader.name });
    else this.say("refused", { reason });
  }

  async keepMine(): Promise<void> {
    const { status } = this.queue;
    const reopens = status.kind === "conflict" && status.theirsSubmitted;
    await this.queue.keepMine();
    if (reopens && this.queue.isClean) this.onReload();
  }

  async takeTheirs(): Promise<void> {
    const { status } = this.queue;
    const submitted = status.kind === "conflict" && status.theirsSubmitted;
    const doc = await this.queue.takeTheirs();
    if (doc) this.store.getState().replace(doc);
    if (submitted) this.onReload();
  }

  private restart(reading: Reading): void {
    const doc = documentOf(reading);
    // Where another tab only looked on, what can be undone here stays so.
    if (!sameContent(doc, this.store.getState().doc)) this.store.getState().restart(doc);
  }

  private typesOf(scope: FindingType["scope"]): FindingType[] {
    return this.project.finding_types
      .filter((type) => type.scope === scope && type.retired_in_version === null)
      .sort((p, q) => p.position - q.position);
  }
}

/** What the case's own document says of a reading is the reviewer's own, never the one under review. */
function withoutLooking(transport: Transport): Transport {
  return { ...transport, current: async () => ({ kind: "unreachable" }) };
}
