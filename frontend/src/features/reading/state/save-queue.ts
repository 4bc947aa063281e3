/**
 * Gets a reading to the server and loses nothing on the way.
 *
 * Every change is written to the journal at once and sent after a short pause. What was sent carries a revision id and
 * the ETag it began from; when no answer comes, exactly the same is sent again, and the server gives its first answer.
 * A newer version on the server (412) stops the queue until the reader has chosen; being offline only delays it.
 */

import type { Decision, Measurement, Reading, Verdict } from "@/lib/api-types";
import { soon } from "@/lib/soon";
import { heldBack } from "./accept-all";
import {
  changesBetween,
  countChanges,
  documentOf,
  type LesionIn,
  masksOf,
  type ReadingDocument,
  same,
  sameContent,
} from "./document";
import { entryKey, type Flight, type Journal, type JournalEntry } from "./journal";
import type { SliceRange, SlicesRead } from "./slices-read";

export interface SaveBody {
  revision_id: string;
  lesions: { upsert: LesionIn[]; remove: string[] };
  decisions: { upsert: Decision[]; remove: string[] };
  verdict: Verdict;
  verdict_reason: string;
  comment: string;
  image_findings: Record<string, unknown>;
  /** Left out while they are as they were. */
  measurements?: Measurement[];
  /** Left out while the server knows of all that was seen. */
  slices_read?: SliceRange[];
  display_threshold: number | null;
  active_seconds: number;
}

/** What the server said, or that it said nothing. */
export type Reply =
  | { kind: "ok"; reading: Reading }
  | { kind: "stale"; current: Reading | null }
  | { kind: "submitted"; current: Reading | null }
  | { kind: "undecided"; undecided: string[] }
  | { kind: "no_verdict" }
  | { kind: "refused"; reason: string; code?: string }
  | { kind: "signed_out" }
  | { kind: "unreachable" };

export interface Transport {
  save: (reading: string, etag: string, body: SaveBody, keepalive: boolean) => Promise<Reply>;
  submit: (reading: string, etag: string) => Promise<Reply>;
  reopen: (reading: string) => Promise<Reply>;
  reveal: (reading: string, etag: string) => Promise<Reply>;
  current: () => Promise<Reply>;
  putBlob: (digest: string, bytes: Uint8Array<ArrayBuffer>) => Promise<Reply | { kind: "stored" }>;
}

export type SaveStatus =
  | { kind: "saved"; at: Date | null }
  | { kind: "waiting"; changes: number }
  | { kind: "saving"; changes: number }
  | { kind: "offline"; since: Date; changes: number; nextTry: Date }
  | { kind: "conflict"; theirs: Reading; theirsSubmitted: boolean }
  | { kind: "refused"; reason: string; code: string; changes: number }
  | { kind: "signed_out"; changes: number };

export type SubmitOutcome =
  | { kind: "submitted"; reading: Reading }
  | { kind: "undecided"; undecided: string[] }
  | { kind: "no_verdict" }
  | { kind: "kept" }
  | { kind: "refused"; reason: string; code?: string };

export interface SaveQueueOptions {
  user: string;
  slug: string;
  caseId: string;
  caseName: string;
  reading: string;
  etag: string;
  base: ReadingDocument;
  tab: string;
  transport: Transport;
  journal: Journal;
  blobOf: (digest: string) => Uint8Array<ArrayBuffer> | null;
  newId: () => string;
  activeSeconds: () => number;
  slices: SlicesRead;
  /** Submitted: at once, later when it was kept, or somewhere else with the same content. */
  onSubmitted?: (reading: Reading) => void;
  /** A submission was refused, whether or not anybody still waits for it. */
  onNotTaken?: (outcome: SubmitOutcome) => void;
  /** Nothing was unsent here and the server had a newer version. */
  onReplaced?: (reading: Reading) => void;
  delay?: number;
}

const PAUSE_MS = 1200;
/** A reader who never pauses is sent for too: no change waits longer than this. */
const LONGEST_MS = 1600;
const JOURNAL_PATIENCE_MS = 300;
const WRITES_AT_ONCE = 8;
const RETRIES_S = [1, 2, 4, 8, 15, 30];

export class SaveQueue {
  status: SaveStatus;
  private etag: string;
  private base: ReadingDocument;
  private doc: ReadingDocument;
  private flight: Flight | null = null;
  private submitWanted = false;
  /** Sends what was seen since, too, where the reading is begun. */
  private isFlushing = false;
  private pumping: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private offlineSince: Date | null = null;
  private savedAt: Date | null = null;
  private dirtySince: number | null = null;
  /** The device refuses to keep the journal (storage full or forbidden): what is unsent lives in this tab alone. */
  isUnkept = false;
  private readonly stored = new Set<string>();
  private readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  private readonly listeners = new Set<() => void>();
  /** Told to the journal and not answered, the oldest first; `due` is the one among them that has not begun. */
  private writing: Promise<void>[] = [];
  private due: Promise<void> | null = null;
  /** The entry of the dead tab, until this one's own or the server has all that it holds. */
  private inherited: string | null = null;
  private closed = false;
  private outcome: SubmitOutcome | null = null;

  private readonly options: SaveQueueOptions;

  constructor(options: SaveQueueOptions) {
    this.options = options;
    this.etag = options.etag;
    this.base = options.base;
    this.doc = options.base;
    for (const { digest } of options.base.lesions.flatMap(masksOf)) this.stored.add(digest);
    this.status = { kind: "saved", at: null };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get changes(): number {
    return countChanges(changesBetween(this.base, this.doc));
  }

  get isClean(): boolean {
    return this.flight === null && sameContent(this.base, this.doc);
  }

  /** What was accepted at once and is not with the server. */
  get acceptedAtOnce(): Decision[] {
    return heldBack(this.base, this.doc);
  }

  get mine(): ReadingDocument {
    return this.doc;
  }

  /** The reading changed in hand: journal it now, send it after a pause. */
  change(doc: ReadingDocument): void {
    if (doc === this.doc) return;
    this.doc = doc;
    void this.write();
    const { status, changes } = this;
    if (status.kind === "conflict") this.tell(status);
    else if (status.kind === "offline" || status.kind === "signed_out") this.tell({ ...status, changes });
    else if (this.pumping) this.tell({ kind: "saving", changes });
    else if (this.isClean) this.tell({ kind: "saved", at: this.savedAt });
    else {
      this.tell({ kind: "waiting", changes });
      this.dirtySince ??= Date.now();
      const left = LONGEST_MS - (Date.now() - this.dirtySince);
      this.schedule(this.options.delay ?? Math.max(0, Math.min(PAUSE_MS, left)));
    }
  }

  /** Take over what a dead tab left. */
  async restore(entry: JournalEntry, current: Reading): Promise<void> {
    for (const [digest, bytes] of Object.entries(entry.blobs)) this.blobs.set(digest, bytes);
    // Handed in meanwhile: the submission arrived and its answer did not, or another window was first.
    this.submitWanted = entry.submit && current.state !== "submitted";
    this.options.slices.take(current);
    if (entry.slicesRead) this.options.slices.add(entry.slicesRead);
    this.doc = entry.doc;
    if (entry.flight) {
      this.flight = entry.flight;
      this.base = entry.base;
      this.etag = entry.etag;
    } else if (entry.etag !== current.etag && stands(current, entry)) {
      this.base = entry.base;
      this.etag = entry.etag;
      this.tell({ kind: "conflict", theirs: current, theirsSubmitted: current.state === "submitted" });
    } else {
      // The same revision, or a newer one that already says what was left here, or nothing else than what it began from.
      this.base = documentOf(current);
      this.etag = current.etag;
    }
    if (entry.key !== this.key) this.inherited = entry.key;
    await this.write();
    if (this.status.kind === "conflict") return;
    await this.pump();
    await this.refresh();
  }

  /** Send now; true when everything is with the server. */
  async flush(): Promise<boolean> {
    this.isFlushing = true;
    await this.pump();
    const failed = this.status.kind === "offline" || this.status.kind === "refused";
    if (!failed && !(this.isClean && !this.owesSlices)) await this.pump();
    this.isFlushing = false;
    return this.isClean;
  }

  /** The page goes away: a request that may outlive it. What does not get through is in the journal. */
  leave(): void {
    const { slices } = this.options;
    const isUntold = slices.isUntold && slices.isBegun;
    if ((this.isClean && !isUntold) || this.pumping || !this.canSend) return;
    const unsentBlob = this.doc.lesions.flatMap(masksOf).some(({ digest }) => !this.stored.has(digest));
    if (unsentBlob) return;
    const flight = this.flight ?? this.takeOff();
    void this.write();
    void this.options.transport.save(this.options.reading, flight.etag, flight.body, true);
  }

  tryNow(): void {
    this.failures = 0;
    void this.pump();
  }

  /** Another request was told that nobody is signed in. */
  noteSignedOut(): void {
    if (!this.canSend) return;
    clearTimeout(this.timer);
    this.tell({ kind: "signed_out", changes: this.changes });
  }

  /** Signed in again, here or in another tab. */
  resume(): void {
    if (this.status.kind !== "signed_out") return;
    this.tell({ kind: "waiting", changes: this.changes });
    void this.pump();
  }

  /** Send what is left, then end the first look; null when it was not reached or not all is sent. */
  async reveal(): Promise<Reply | null> {
    if (!(await this.flush()) || !this.canSend) return null;
    const reply = await this.options.transport.reveal(this.options.reading, this.etag);
    if (reply.kind === "ok") {
      this.stand(reply.reading);
      this.landed();
      this.change({ ...this.doc });
    } else if (reply.kind !== "no_verdict" && reply.kind !== "refused") await this.fail(reply);
    return reply;
  }

  /** Go on with this tab's version: it becomes the next revision after theirs, which stays in the history. */
  async keepMine(): Promise<void> {
    if (this.status.kind !== "conflict") return;
    let theirs = this.status.theirs;
    if (this.status.theirsSubmitted) {
      const reply = await this.options.transport.reopen(this.options.reading);
      if (reply.kind !== "ok") return this.fail(reply);
      theirs = reply.reading;
    }
    this.flight = null;
    this.stand(theirs);
    this.tell({ kind: "waiting", changes: this.changes });
    await this.write();
    await this.pump();
  }

  /** Go on with the server's version; returns it. */
  async takeTheirs(): Promise<ReadingDocument | null> {
    if (this.status.kind !== "conflict") return null;
    await this.become(this.status.theirs);
    return this.doc;
  }

  /** Look whether the server has a newer version while nothing here is unsent; returns it. */
  async refresh(): Promise<Reading | null> {
    if (!this.isClean || this.pumping || this.status.kind === "conflict") return null;
    const before = this.etag;
    const reply = await this.options.transport.current();
    if (reply.kind !== "ok" || !this.isClean || this.pumping || reply.reading.etag === this.etag) return null;
    // What was saved while the answer was on its way is newer than the answer.
    if (this.etag !== before) return null;
    await this.become(reply.reading);
    this.options.onReplaced?.(reply.reading);
    return reply.reading;
  }

  /** Save what is left and submit; "kept" when the server cannot be reached or does not agree yet. */
  async submit(): Promise<SubmitOutcome> {
    this.submitWanted = true;
    this.outcome = null;
    await this.write();
    await this.flush();
    return this.outcome ?? { kind: "kept" };
  }

  get isSubmitKept(): boolean {
    return this.submitWanted;
  }

  /** The reading was reopened: go on from that version. */
  reopened(reading: Reading): void {
    this.stand(reading);
    this.doc = this.base;
    this.tell({ kind: "saved", at: this.savedAt });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.listeners.clear();
  }

  /** Go on from the reading as the server has it: what is unsent is what differs from it. */
  private stand(reading: Reading): void {
    this.etag = reading.etag;
    this.base = documentOf(reading);
    this.options.slices.take(reading);
  }

  /** Slices seen since the last save: they alone make none before the reader hands in or leaves a reading that is begun. */
  private get owesSlices(): boolean {
    const { slices } = this.options;
    return slices.isUntold && (this.submitWanted || (this.isFlushing && slices.isBegun));
  }

  private get canSend(): boolean {
    return !this.closed && this.status.kind !== "conflict" && this.status.kind !== "signed_out";
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.pump(), ms);
  }

  private pump(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.canSend) return Promise.resolve();
    this.pumping ??= this.run().finally(() => {
      this.pumping = null;
      // A change that came while the journal took its time, after the last look at what is unsent.
      if (this.status.kind === "saving") this.schedule(0);
    });
    return this.pumping;
  }

  private async run(): Promise<void> {
    while ((!this.isClean || this.owesSlices) && this.canSend) {
      const flight = this.flight ?? this.takeOff();
      if (!this.offlineSince) this.tell({ kind: "saving", changes: this.changes });
      await this.writtenSoon();
      const unsent = await this.sendBlobs(flight);
      if (unsent) return this.fail(unsent);
      const reply = await this.options.transport.save(this.options.reading, flight.etag, flight.body, false);
      if (reply.kind !== "ok") return this.fail(reply);
      this.etag = reply.reading.etag;
      this.base = flight.doc;
      this.options.slices.take(reply.reading);
      this.flight = null;
      this.landed();
    }
    if (this.submitWanted && this.isClean && this.canSend) await this.sendSubmit();
    await this.writtenSoon();
    if (this.isClean && this.canSend) this.tell({ kind: "saved", at: this.savedAt });
  }

  private landed(): void {
    this.failures = 0;
    this.offlineSince = null;
    this.savedAt = new Date();
  }

  private takeOff(): Flight {
    const { lesions, decisions } = changesBetween(this.base, this.doc);
    const revision_id = this.options.newId();
    this.dirtySince = null;
    const { verdict, verdict_reason, comment, image_findings, measurements, display_threshold } = this.doc;
    const { isUntold, seen } = this.options.slices;
    this.flight = {
      revision_id,
      etag: this.etag,
      doc: this.doc,
      body: {
        revision_id,
        lesions,
        decisions,
        verdict,
        verdict_reason,
        comment,
        image_findings,
        ...(same(this.base.measurements, measurements) ? {} : { measurements }),
        ...(isUntold && seen ? { slices_read: seen } : {}),
        display_threshold,
        active_seconds: Math.round(this.options.activeSeconds() * 10) / 10,
      },
    };
    return this.flight;
  }

  private async sendBlobs(flight: Flight): Promise<Reply | null> {
    for (const { digest } of flight.body.lesions.upsert.flatMap(masksOf)) {
      if (this.stored.has(digest)) continue;
      const bytes = this.bytesOf(digest);
      // A mask that the server gave (an accepted finding's) is there already.
      if (!bytes) continue;
      const reply = await this.options.transport.putBlob(digest, bytes);
      if (reply.kind !== "stored") return reply;
      this.stored.add(digest);
    }
    return null;
  }

  private bytesOf(digest: string): Uint8Array<ArrayBuffer> | null {
    return this.options.blobOf(digest) ?? this.blobs.get(digest) ?? null;
  }

  private async sendSubmit(): Promise<void> {
    const reply = await this.options.transport.submit(this.options.reading, this.etag);
    if (reply.kind === "unreachable" || reply.kind === "signed_out") return this.fail(reply);
    if (reply.kind === "stale" || reply.kind === "submitted") return this.fail(reply);
    if (reply.kind === "ok") {
      this.etag = reply.reading.etag;
      this.landed();
      this.handedIn(reply.reading);
      return;
    }
    this.submitWanted = false;
    this.outcome = reply;
    this.options.onNotTaken?.(this.outcome);
  }

  private handedIn(reading: Reading): void {
    this.submitWanted = false;
    this.options.slices.end();
    this.outcome = { kind: "submitted", reading };
    this.options.onSubmitted?.(reading);
  }

  private async fail(reply: Reply): Promise<void> {
    if (reply.kind === "unreachable") return this.waitForServer();
    if (reply.kind === "signed_out") return this.tell({ kind: "signed_out", changes: this.changes });
    if (reply.kind === "stale" || reply.kind === "submitted") return this.collide(reply);
    // Refused: the same body would be refused again, so the next change makes a new one.
    this.flight = null;
    const reason = reply.kind === "refused" ? reply.reason : reply.kind;
    if (this.submitWanted) {
      this.submitWanted = false;
      this.outcome = { kind: "refused", reason };
    }
    const code = (reply.kind === "refused" && reply.code) || "";
    this.tell({ kind: "refused", reason, code, changes: this.changes });
    await this.write();
  }

  private waitForServer(): void {
    const seconds = RETRIES_S[Math.min(this.failures, RETRIES_S.length - 1)] as number;
    this.failures += 1;
    this.offlineSince ??= new Date();
    const nextTry = new Date(Date.now() + seconds * 1000);
    this.tell({ kind: "offline", since: this.offlineSince, changes: this.changes, nextTry });
    this.schedule(seconds * 1000);
  }

  private async collide(reply: { current: Reading | null }): Promise<void> {
    let theirs = reply.current;
    if (!theirs) {
      const current = await this.options.transport.current();
      if (current.kind !== "ok") return this.waitForServer();
      theirs = current.reading;
    }
    if (sameContent(documentOf(theirs), this.doc)) {
      this.flight = null;
      this.stand(theirs);
      this.landed();
      if (theirs.state === "submitted") this.handedIn(theirs);
      // Only the revision is another: what was wanted of the one before is wanted of this one.
      if (this.submitWanted) return this.run();
      this.tell({ kind: "saved", at: this.savedAt });
      return this.write();
    }
    if (sameContent(this.base, this.doc) && !this.submitWanted) {
      // Here somebody only looked on.
      await this.become(theirs);
      this.options.onReplaced?.(theirs);
      return;
    }
    if (!stands(theirs, { base: this.base, doc: this.doc })) {
      // There somebody only looked on.
      this.flight = null;
      this.stand(theirs);
      this.tell({ kind: "waiting", changes: this.changes });
      this.schedule(0);
      return this.write();
    }
    this.tell({ kind: "conflict", theirs, theirsSubmitted: theirs.state === "submitted" });
  }

  private async become(reading: Reading): Promise<void> {
    this.flight = null;
    this.submitWanted = false;
    this.stand(reading);
    this.doc = this.base;
    this.tell({ kind: "saved", at: this.savedAt });
    await this.write();
  }

  /** A device's store that does not answer holds up no sending: what the server has cannot be lost with it. */
  private writtenSoon(): Promise<void> {
    return soon(this.write(), JOURNAL_PATIENCE_MS).catch(() => undefined);
  }

  /**
   * Bring the journal up to date: an entry while something is unsent, none when nothing is.
   *
   * The store keeps the order in which it is told, so nothing waits here for the answer to an earlier write: a page that
   * dies meanwhile would take the newest change with it. Only where many answers are due is a change held back, and
   * then what stands behind them is written once, as it is when its turn comes.
   */
  private write(): Promise<void> {
    if (this.due) return this.due;
    const turn = this.writing.length < WRITES_AT_ONCE ? Promise.resolve() : this.writing[0];
    const writing = (turn as Promise<void>)
      .then(() => {
        this.due = null;
        return this.writeEntry();
      })
      .then(
        () => this.noteKept(true),
        () => this.noteKept(false),
      )
      .finally(() => {
        this.writing = this.writing.filter((one) => one !== writing);
      });
    this.due = writing;
    this.writing.push(writing);
    return writing;
  }

  private noteKept(isKept: boolean): void {
    if (this.isUnkept === !isKept) return;
    this.isUnkept = !isKept;
    this.tell({ ...this.status });
  }

  private get key(): string {
    const { user, reading, tab } = this.options;
    return entryKey(user, reading, tab);
  }

  private async writeEntry(): Promise<void> {
    await (this.isClean && !this.submitWanted ? this.options.journal.remove(this.key) : this.putEntry());
    const { inherited } = this;
    if (inherited) await this.options.journal.remove(inherited);
    this.inherited = null;
  }

  private putEntry(): Promise<void> {
    const { user, slug, caseId, caseName, reading, tab, journal } = this.options;
    const { key } = this;
    const { etag, base, doc, flight, submitWanted: submit } = this;
    // The server shows a blob only once a lesion that it knows has it: until then the next tab needs it from here.
    const shown = new Set(base.lesions.flatMap(masksOf).map(({ digest }) => digest));
    const blobs: JournalEntry["blobs"] = {};
    for (const { digest } of [...doc.lesions, ...(flight?.doc.lesions ?? [])].flatMap(masksOf)) {
      const bytes = shown.has(digest) ? null : this.bytesOf(digest);
      if (bytes) blobs[digest] = bytes;
    }
    const activeSeconds = this.options.activeSeconds();
    const slicesRead = this.options.slices.seen;
    const touched = Date.now();
    return journal.put({
      ...{ key, user, slug, caseId, caseName, reading, tab },
      ...{ etag, base, doc, flight, submit, blobs, activeSeconds, slicesRead, touched },
    });
  }

  private tell(status: SaveStatus): void {
    this.status = status;
    for (const listener of this.listeners) listener();
  }
}

/** Whether a newer version stands against what is unsent; not so where its tab only looked on, and nothing else differs. */
function stands(theirs: Reading, mine: { base: ReadingDocument; doc: ReadingDocument }): boolean {
  const known = documentOf(theirs);
  if (sameContent(known, mine.doc)) return false;
  return theirs.state === "submitted" || !sameContent(known, mine.base);
}
