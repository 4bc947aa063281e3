import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Lesion, Reading } from "@/lib/api-types";
import { putBack } from "./accept-all";
import { changesBetween, countChanges, documentOf, type ReadingDocument } from "./document";
import {
  addLesion,
  adoptFinding,
  changeLesion,
  completeImageFindings,
  rejectFinding,
  removeLesion,
  setVerdict,
  toggleImageFinding,
} from "./edits";
import { answerForTab, type JournalEntry, journal, leftoversOf } from "./journal";
import { newId } from "./new-id";
import { byScore, createReadingStore, undecidedOf } from "./reading-store";
import {
  type Reply,
  type SaveBody,
  SaveQueue,
  type SaveStatus,
  type SubmitOutcome,
  type Transport,
} from "./save-queue";
import { sendLeftovers } from "./send-leftovers";
import { joined, SlicesRead } from "./slices-read";

function lesion(id: string, extra: Partial<Lesion> = {}): Lesion {
  return {
    id,
    finding_type: 1,
    kind: "box",
    sop_instance_uid: "1.2.3",
    frame: 1,
    points: [
      [1, 2],
      [30, 40],
    ],
    mask: null,
    drawn_as: null,
    attributes: {},
    score: null,
    origin: "drawn",
    origin_lesion: null,
    origin_score: null,
    moved_pixels: null,
    ...extra,
  };
}

const predicted = (id: string, score: number) => lesion(id, { score, origin: "predicted" });

const EMPTY: ReadingDocument = {
  lesions: [],
  decisions: {},
  verdict: "",
  verdict_reason: "",
  comment: "",
  image_findings: {},
  measurements: [],
  display_threshold: null,
};

describe("edits", () => {
  test("the first mark says lesions, the last one taken away says nothing", () => {
    const one = addLesion(EMPTY, lesion("a"));
    expect(one.verdict).toBe("lesions");
    expect(removeLesion(one, "a").verdict).toBe("");
    expect(removeLesion(setVerdict(one, "not_readable", "motion"), "a").verdict).toBe("not_readable");
    expect(addLesion(setVerdict(EMPTY, "no_lesion"), lesion("a")).verdict).toBe("lesions");
  });

  test("accepting copies the finding as the person's own and remembers where it came from", () => {
    const doc = adoptFinding(EMPTY, {
      predicted: predicted("p", 0.9),
      kind: "accepted",
      id: "mine",
      threshold: 0.5,
    });
    expect(doc.lesions).toEqual([
      lesion("mine", { origin: "accepted", origin_lesion: "p", origin_score: 0.9, moved_pixels: 0 }),
    ]);
    expect(doc.decisions.p).toEqual({
      predicted: "p",
      kind: "accepted",
      reason: "",
      lesion: "mine",
      threshold: 0.5,
      at_seconds: null,
    });
    expect(adoptFinding(doc, { predicted: predicted("p", 0.9), kind: "accepted", id: "x", threshold: 0.5 })).toBe(
      doc,
    );
  });

  test("moving an accepted lesion makes it edited; its type and attributes alone do not", () => {
    const doc = adoptFinding(EMPTY, {
      predicted: predicted("p", 0.9),
      kind: "accepted",
      id: "mine",
      threshold: 0.5,
    });
    const mine = doc.lesions[0] as Lesion;
    expect(changeLesion(doc, { ...mine, attributes: { margin: "smooth" } }).decisions.p?.kind).toBe("accepted");
    const moved = changeLesion(doc, {
      ...mine,
      points: [
        [2, 2],
        [31, 40],
      ],
    });
    expect(moved.lesions[0]?.origin).toBe("edited");
    expect(moved.decisions.p?.kind).toBe("edited");
    expect(changeLesion(doc, { ...mine })).toBe(doc);
  });

  test("rejecting takes an accepted copy away, deleting the copy leaves the finding undecided", () => {
    const p = predicted("p", 0.9);
    const accepted = adoptFinding(EMPTY, { predicted: p, kind: "accepted", id: "mine", threshold: 0.5 });
    const rejected = rejectFinding(accepted, { predicted: p, reason: "vessel", threshold: 0.5 });
    expect(rejected.lesions).toEqual([]);
    expect(rejected.decisions.p).toMatchObject({ kind: "rejected", reason: "vessel", lesion: null });
    expect(removeLesion(accepted, "mine").decisions).toEqual({});
    expect(undecidedOf([p], removeLesion(accepted, "mine"))).toEqual([p]);
    const again = adoptFinding(rejected, { predicted: p, kind: "edited", id: "two", threshold: 0.5 });
    expect(again.decisions.p).toMatchObject({ kind: "edited", lesion: "two" });
  });

  test("image findings that were offered and not marked are absent", () => {
    const doc = toggleImageFinding(EMPTY, 7);
    expect(completeImageFindings(doc, [7, 8]).image_findings).toEqual({ "7": "present", "8": "absent" });
    expect(toggleImageFinding(doc, 7).image_findings).toEqual({});
  });

  test("findings are listed by score", () => {
    expect(byScore([predicted("a", 0.3), predicted("b", 0.9)]).map(({ id }) => id)).toEqual(["b", "a"]);
  });
});

describe("undo and redo", () => {
  test("run over marks, decisions, verdict, comment and image findings alike", () => {
    const store = createReadingStore(EMPTY);
    const { edit } = store.getState();
    const p = predicted("p", 0.8);
    edit((doc) => addLesion(doc, lesion("a")));
    edit((doc) => adoptFinding(doc, { predicted: p, kind: "accepted", id: "b", threshold: 0.5 }));
    edit((doc) => toggleImageFinding(doc, 5));
    edit((doc) => setVerdict(doc, "deferred", "ask a colleague"));
    edit((doc) => ({ ...doc, comment: "h" }), "comment");
    edit((doc) => ({ ...doc, comment: "hi" }), "comment");
    const last = store.getState().doc;
    expect(store.getState().past).toHaveLength(5);
    for (let i = 0; i < 7; i++) store.getState().undo();
    expect(store.getState().doc).toEqual(EMPTY);
    for (let i = 0; i < 7; i++) store.getState().redo();
    expect(store.getState().doc).toEqual(last);
  });

  test("an edit after undo forgets what was undone, and what does nothing is no step", () => {
    const store = createReadingStore(EMPTY);
    store.getState().edit((doc) => addLesion(doc, lesion("a")));
    store.getState().undo();
    store.getState().edit((doc) => addLesion(doc, lesion("b")));
    store.getState().redo();
    expect(store.getState().doc.lesions.map(({ id }) => id)).toEqual(["b"]);
    store.getState().edit((doc) => removeLesion(doc, "unknown"));
    expect(store.getState().past).toHaveLength(1);
  });

  test("the selection does not outlive its mark", () => {
    const store = createReadingStore(EMPTY);
    store.getState().edit((doc) => addLesion(doc, lesion("a")));
    store.getState().select("a");
    store.getState().undo();
    expect(store.getState().selected).toBeNull();
  });
});

describe("changes", () => {
  test("name what differs and nothing else", () => {
    const before = { ...EMPTY, lesions: [lesion("a"), lesion("b")] };
    const after = { ...before, lesions: [lesion("a"), lesion("c")], comment: "x" };
    const changes = changesBetween(before, after);
    expect(changes.lesions.upsert.map(({ id }) => id)).toEqual(["c"]);
    expect(changes.lesions.remove).toEqual(["b"]);
    expect(countChanges(changes)).toBe(3);
    expect(
      countChanges(changesBetween(before, { ...before, lesions: before.lesions.map((l) => ({ ...l })) })),
    ).toBe(0);
  });

  test("a new id is a version 4 UUID", () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

/** The server's rules for one reading, as the real one has them; it can be cut off before or after it acts. */
class Server implements Transport {
  reading: Reading = {
    id: "r",
    reader: { kind: "person", name: "rita" },
    state: "draft",
    verdict: "",
    verdict_reason: "",
    comment: "",
    image_findings: {},
    measurements: [],
    slices_read: null,
    lesions: [],
    decisions: [],
    revision: 0,
    etag: "0-0",
    display_threshold: null,
    active_seconds: 0,
    updated_at: "",
    submitted_at: null,
    revealed_at: null,
    revealed_revision: null,
    revises: null,
    sent_back: null,
    vocabulary_version: 1,
  };
  cut: "no" | "before" | "after" = "no";
  acceptsAll = true;
  refuse: string | null = null;
  signedOut = false;
  blobs = new Set<string>();
  saves: SaveBody[] = [];
  private answers = new Map<string, Reading>();

  save = async (_reading: string, etag: string, body: SaveBody): Promise<Reply> => {
    if (this.cut === "before") return { kind: "unreachable" };
    if (this.signedOut) return { kind: "signed_out" };
    const first = this.answers.get(body.revision_id);
    if (first) return { kind: "ok", reading: first };
    if (this.reading.state === "submitted") return { kind: "submitted", current: this.reading };
    if (etag !== this.reading.etag) return { kind: "stale", current: this.reading };
    if (this.refuse) return { kind: "refused", reason: this.refuse };
    if (!this.acceptsAll && body.decisions.upsert.some((decision) => decision.at_once))
      return { kind: "refused", reason: "decide each of them", code: "accept_all" };
    this.saves.push(body);
    const gone = new Set([...body.lesions.remove, ...body.lesions.upsert.map(({ id }) => id)]);
    const undone = new Set([...body.decisions.remove, ...body.decisions.upsert.map((d) => d.predicted)]);
    const stored = body.lesions.upsert.map((one) => ({
      ...one,
      ...{ score: null, origin_score: null, moved_pixels: null },
    }));
    this.reading = {
      ...this.reading,
      ...{ verdict: body.verdict, verdict_reason: body.verdict_reason, comment: body.comment },
      image_findings: body.image_findings,
      measurements: body.measurements ?? this.reading.measurements,
      slices_read: this.slicesAfter(body),
      lesions: [...this.reading.lesions.filter(({ id }) => !gone.has(id)), ...stored],
      decisions: [...this.reading.decisions.filter((d) => !undone.has(d.predicted)), ...body.decisions.upsert],
      revision: this.reading.revision + 1,
      etag: `${this.reading.revision + 1}-${body.revision_id}`,
    };
    this.answers.set(body.revision_id, this.reading);
    return this.cut === "after" ? { kind: "unreachable" } : { kind: "ok", reading: this.reading };
  };
  /** Added to those that were seen before; a reading begun without saying so speaks of all. */
  private slicesAfter({ slices_read }: SaveBody): Reading["slices_read"] {
    const before = this.reading.slices_read;
    if (before === null && this.reading.revision > 0) return null;
    return slices_read ? joined([...(before ?? []), ...slices_read]) : before;
  }
  submit = async (_reading: string, etag: string): Promise<Reply> => {
    if (this.cut === "before") return { kind: "unreachable" };
    if (this.reading.state === "submitted" && this.reading.etag === `${etag}-s`)
      return { kind: "ok", reading: this.reading };
    if (this.reading.state === "submitted") return { kind: "submitted", current: this.reading };
    if (etag !== this.reading.etag) return { kind: "stale", current: this.reading };
    if (this.reading.verdict === "") return { kind: "no_verdict" };
    this.reading = { ...this.reading, state: "submitted", etag: `${this.reading.etag}-s` };
    return this.cut === "after" ? { kind: "unreachable" } : { kind: "ok", reading: this.reading };
  };
  reveal = async (_reading: string, etag: string): Promise<Reply> => {
    if (this.cut !== "no") return { kind: "unreachable" };
    if (etag !== this.reading.etag) return { kind: "stale", current: this.reading };
    if (this.reading.verdict === "") return { kind: "no_verdict" };
    this.reading = { ...this.reading, revealed_at: "now", etag: `${this.reading.etag}-v` };
    return { kind: "ok", reading: this.reading };
  };
  reopen = async (): Promise<Reply> => {
    this.reading = { ...this.reading, state: "draft", etag: `${this.reading.etag}-r` };
    return { kind: "ok", reading: this.reading };
  };
  current = async (): Promise<Reply> =>
    this.cut === "no" ? { kind: "ok", reading: this.reading } : { kind: "unreachable" };
  putBlob = async (digest: string) => {
    if (this.cut !== "no") return { kind: "unreachable" as const };
    this.blobs.add(digest);
    return { kind: "stored" as const };
  };
}

function openQueue(
  server: Server,
  tab = "tab-1",
  extra: Partial<ConstructorParameters<typeof SaveQueue>[0]> = {},
) {
  return new SaveQueue({
    user: "rita",
    slug: "breast",
    caseId: "c",
    caseName: "US-0001",
    reading: "r",
    etag: server.reading.etag,
    base: documentOf(server.reading),
    tab,
    transport: server,
    journal,
    blobOf: () => null,
    newId,
    activeSeconds: () => 12.34,
    slices: SlicesRead.of(server.reading, false),
    ...extra,
  });
}

const kindOf = (queue: SaveQueue): SaveStatus["kind"] => queue.status.kind;
const marks = (server: Server) => server.reading.lesions.map(({ id }) => id);
const entries = () => journal.entriesOf("rita");
/** Let faked time pass; IndexedDB lives on real turns of the loop, which come in between. */
async function pass(ms: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await vi.advanceTimersByTimeAsync(ms / 20);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  }
}
function nextTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  });
}
const settle = () => pass(10);

describe("the save queue", () => {
  let server: Server;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
    server = new Server();
  });

  afterEach(async () => {
    vi.clearAllTimers();
    vi.useRealTimers();
    await journal.purge("rita");
    await journal.purge("sam");
  });

  test("journals a change at once, sends it within two seconds, then forgets it", async () => {
    const queue = openQueue(server);
    queue.change(addLesion(EMPTY, lesion("a")));
    await settle();
    expect(marks(server)).toEqual([]);
    expect((await entries()).map((entry) => entry.doc.lesions[0]?.id)).toEqual(["a"]);
    await pass(2000);
    expect(marks(server)).toEqual(["a"]);
    expect(server.saves[0]?.active_seconds).toBe(12.3);
    expect(kindOf(queue)).toBe("saved");
    await settle();
    expect(await entries()).toEqual([]);
  });

  test("sends for a reader who never pauses, too", async () => {
    const queue = openQueue(server);
    for (let i = 0; i < 4; i++) {
      queue.change({ ...EMPTY, comment: `letter ${i}` });
      await pass(500);
    }
    expect(server.reading.comment).toMatch(/^letter/);
  });

  test("reveals after everything is sent, and goes on from the revealed version", async () => {
    const queue = openQueue(server);
    queue.change(addLesion(EMPTY, lesion("a")));
    expect((await queue.reveal())?.kind).toBe("ok");
    expect(marks(server)).toEqual(["a"]);
    expect(kindOf(queue)).toBe("saved");
    queue.change(addLesion(queue.mine, lesion("b")));
    expect(await queue.flush()).toBe(true);
    expect(marks(server)).toEqual(["a", "b"]);
    server.cut = "before";
    expect((await queue.reveal())?.kind).toBe("unreachable");
  });

  test("does not reveal before what was marked is with the server", async () => {
    const queue = openQueue(server);
    server.cut = "before";
    queue.change(addLesion(EMPTY, lesion("a")));
    expect(await queue.reveal()).toBeNull();
    expect(server.reading.revealed_at).toBeNull();
  });

  test("stops when any request finds the reader signed out, and sends after signing in again", async () => {
    const queue = openQueue(server);
    queue.change(addLesion(EMPTY, lesion("a")));
    queue.noteSignedOut();
    await pass(3000);
    expect([kindOf(queue), marks(server)]).toEqual(["signed_out", []]);
    queue.resume();
    await settle();
    expect([kindOf(queue), marks(server)]).toEqual(["saved", ["a"]]);
  });

  test("says when the device keeps no journal", async () => {
    const full = { ...journal, put: () => Promise.reject(new Error("QuotaExceededError")) };
    const queue = openQueue(server, "tab-1", { journal: full });
    server.cut = "before";
    queue.change(addLesion(EMPTY, lesion("a")));
    await settle();
    expect(queue.isUnkept).toBe(true);
  });

  test("is sent though the device's store never answers", async () => {
    const stuck = { ...journal, put: () => new Promise<void>(() => undefined) };
    const queue = openQueue(server, "tab-1", { journal: stuck });
    queue.change(addLesion(EMPTY, lesion("a")));
    await pass(6000);
    expect(server.saves).toHaveLength(1);
    expect(kindOf(queue)).toBe("saved");
  });

  test("journals a change at once though an earlier one is not written yet", async () => {
    const told: number[] = [];
    const busy = {
      ...journal,
      put: (entry: JournalEntry) => {
        told.push(entry.doc.lesions.length);
        return new Promise<void>(() => undefined);
      },
    };
    const queue = openQueue(server, "tab-1", { journal: busy });
    let doc = EMPTY;
    for (let count = 1; count <= 20; count++) {
      doc = addLesion(doc, lesion(`mark-${count}`));
      queue.change(doc);
      await Promise.resolve();
    }
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("sends what changes while the device's store takes its time after a save", async () => {
    let takesLong = false;
    const slow = {
      ...journal,
      remove: async (key: string) => {
        takesLong = true;
        await new Promise((done) => setTimeout(done, 200));
        await journal.remove(key);
      },
    };
    const queue = openQueue(server, "tab-1", { journal: slow });
    const one = addLesion(EMPTY, lesion("a"));
    queue.change(one);
    while (!takesLong) await pass(20);
    expect(marks(server)).toEqual(["a"]);
    queue.change(addLesion(one, lesion("b")));
    await pass(6000);
    expect(marks(server)).toEqual(["a", "b"]);
    expect(kindOf(queue)).toBe("saved");
  });

  test("sends the change that comes while a refusal is journalled", async () => {
    let refused = false;
    const slow = {
      ...journal,
      put: async (entry: JournalEntry) => {
        if (refused) await new Promise((done) => setTimeout(done, 200));
        await journal.put(entry);
      },
    };
    const queue = openQueue(server, "tab-1", { journal: slow });
    const one = addLesion(EMPTY, lesion("a"));
    server.refuse = "No.";
    queue.subscribe(() => {
      refused ||= queue.status.kind === "refused";
    });
    queue.change(one);
    while (!refused) await pass(20);
    server.refuse = null;
    queue.change(addLesion(one, lesion("b")));
    await pass(6000);
    expect(marks(server)).toEqual(["a", "b"]);
    expect(kindOf(queue)).toBe("saved");
  });

  test("sends only what changed since the last save", async () => {
    const queue = openQueue(server);
    const one = addLesion(EMPTY, lesion("a"));
    queue.change(one);
    await queue.flush();
    queue.change(addLesion(one, lesion("b")));
    await queue.flush();
    expect(server.saves.map((body) => body.lesions.upsert.map(({ id }) => id))).toEqual([["a"], ["b"]]);
  });

  test("repeats a save whose answer was lost with the same revision id, and it counts once", async () => {
    const queue = openQueue(server);
    server.cut = "after";
    const one = addLesion(EMPTY, lesion("a"));
    queue.change(one);
    await queue.flush();
    expect(kindOf(queue)).toBe("offline");
    queue.change(addLesion(one, lesion("b")));
    server.cut = "no";
    await pass(60_000);
    expect(kindOf(queue)).toBe("saved");
    expect(marks(server)).toEqual(["a", "b"]);
    expect(server.reading.revision).toBe(2);
  });

  test("keeps count while offline and tries again by itself", async () => {
    const queue = openQueue(server);
    server.cut = "before";
    let doc = addLesion(EMPTY, lesion("a"));
    queue.change(doc);
    await queue.flush();
    doc = { ...doc, comment: "x" };
    queue.change(doc);
    expect(queue.status).toMatchObject({ kind: "offline", changes: 3 });
    server.cut = "no";
    await pass(2500);
    expect(marks(server)).toEqual(["a"]);
    expect(server.reading.comment).toBe("x");
  });

  test("stops at a newer version; keeping mine makes it the next revision", async () => {
    const mine = openQueue(server);
    const other = openQueue(server, "tab-2");
    other.change(addLesion(EMPTY, lesion("theirs")));
    await other.flush();
    mine.change(addLesion(EMPTY, lesion("mine")));
    await mine.flush();
    expect(kindOf(mine)).toBe("conflict");
    expect(marks(server)).toEqual(["theirs"]);
    await mine.keepMine();
    expect(kindOf(mine)).toBe("saved");
    expect(marks(server)).toEqual(["mine"]);
    expect(server.reading.revision).toBe(2);
  });

  test("taking theirs leaves the server as it is", async () => {
    const mine = openQueue(server);
    const other = openQueue(server, "tab-2");
    other.change(addLesion(EMPTY, lesion("theirs")));
    await other.flush();
    mine.change(addLesion(EMPTY, lesion("mine")));
    await mine.flush();
    const doc = await mine.takeTheirs();
    expect(doc?.lesions.map(({ id }) => id)).toEqual(["theirs"]);
    expect(kindOf(mine)).toBe("saved");
    expect(server.reading.revision).toBe(1);
  });

  test("is no conflict when both versions say the same", async () => {
    const mine = openQueue(server);
    const other = openQueue(server, "tab-2");
    const doc = addLesion(EMPTY, lesion("a"));
    other.change(doc);
    await other.flush();
    mine.change(doc);
    await mine.flush();
    expect(kindOf(mine)).toBe("saved");
  });

  test("a reading submitted elsewhere is a conflict; keeping mine reopens it", async () => {
    server.reading = { ...server.reading, verdict: "no_lesion" };
    const mine = openQueue(server);
    server.reading = { ...server.reading, state: "submitted", etag: "0-0-s" };
    mine.change(addLesion(EMPTY, lesion("mine")));
    await mine.flush();
    expect(mine.status).toMatchObject({ kind: "conflict", theirsSubmitted: true });
    await mine.keepMine();
    expect(server.reading.state).toBe("draft");
    expect(marks(server)).toEqual(["mine"]);
  });

  test("says what the server refused and tries again with the next change", async () => {
    const queue = openQueue(server);
    server.refuse = "the mark is smaller than a pixel";
    queue.change(addLesion(EMPTY, lesion("a")));
    await queue.flush();
    expect(queue.status).toMatchObject({ kind: "refused", reason: "the mark is smaller than a pixel" });
    server.refuse = null;
    queue.change(addLesion(EMPTY, lesion("b")));
    await queue.flush();
    expect(marks(server)).toEqual(["b"]);
  });

  test("keeps everything when accepting all was forbidden meanwhile, and goes on once that is put back", async () => {
    const queue = openQueue(server);
    server.cut = "before";
    const finding = predicted("p", 0.9);
    const atOnce = {
      predicted: finding,
      kind: "accepted",
      id: "b",
      threshold: 0.5,
      atSeconds: 5,
      atOnce: true,
    } as const;
    const doc = adoptFinding(addLesion(EMPTY, lesion("a")), atOnce);
    queue.change(doc);
    await queue.flush();
    server.cut = "no";
    server.acceptsAll = false;
    await queue.flush();
    expect(queue.status).toMatchObject({ kind: "refused", code: "accept_all" });
    expect((await entries()).map((entry) => entry.doc.lesions.map(({ id }) => id))).toEqual([["a", "b"]]);
    queue.change(putBack(queue.mine, queue.acceptedAtOnce, [finding], () => 6));
    await queue.flush();
    expect(marks(server)).toEqual(["a"]);
    expect(kindOf(queue)).toBe("saved");
    expect(await entries()).toEqual([]);
  });

  test("keeps everything when the session ended and goes on after signing in", async () => {
    const queue = openQueue(server);
    server.signedOut = true;
    queue.change(addLesion(EMPTY, lesion("a")));
    await queue.flush();
    expect(kindOf(queue)).toBe("signed_out");
    expect(await entries()).toHaveLength(1);
    server.signedOut = false;
    queue.resume();
    await queue.flush();
    expect(marks(server)).toEqual(["a"]);
  });

  test("a submit while offline is kept and goes through later", async () => {
    let submitted: Reading | null = null;
    const queue = openQueue(server, "tab-1", {
      onSubmitted: (reading) => {
        submitted = reading;
      },
    });
    server.cut = "before";
    queue.change(setVerdict(EMPTY, "no_lesion"));
    expect(await queue.submit()).toEqual({ kind: "kept" });
    expect((await entries())[0]?.submit).toBe(true);
    server.cut = "no";
    await pass(5000);
    expect(server.reading.state).toBe("submitted");
    expect((submitted as Reading | null)?.state).toBe("submitted");
    await settle();
    expect(await entries()).toEqual([]);
  });

  test("a kept submission that is refused later is told of, though nobody waits for it any more", async () => {
    const told: string[] = [];
    const queue = openQueue(server, "tab-1", { onNotTaken: (outcome) => told.push(outcome.kind) });
    server.cut = "before";
    queue.change({ ...EMPTY, comment: "no verdict yet" });
    expect(await queue.submit()).toEqual({ kind: "kept" });
    expect(told).toEqual([]);
    server.cut = "no";
    await pass(5000);
    expect(server.reading.state).toBe("draft");
    expect(told).toEqual(["no_verdict"]);
    expect(queue.isSubmitKept).toBe(false);
  });

  test("is submitted where another window has submitted the same", async () => {
    const told: string[] = [];
    const say = (outcome: SubmitOutcome) => told.push(outcome.kind);
    const [mine, other] = [openQueue(server, "one", { onNotTaken: say }), openQueue(server, "two")];
    mine.change(setVerdict(EMPTY, "no_lesion"));
    await mine.flush();
    other.change(setVerdict(EMPTY, "no_lesion"));
    expect((await other.submit()).kind).toBe("submitted");
    expect((await mine.submit()).kind).toBe("submitted");
    expect([kindOf(mine), mine.isSubmitKept, told]).toEqual(["saved", false, []]);
    await settle();
    expect(await entries()).toEqual([]);
  });

  test("submits what it was asked to, though another window has made a new revision that says the same", async () => {
    const queue = openQueue(server);
    queue.change(setVerdict(EMPTY, "no_lesion"));
    await queue.flush();
    server.reading = { ...server.reading, etag: "another-window" };
    expect((await queue.submit()).kind).toBe("submitted");
    expect(server.reading.state).toBe("submitted");
    expect(queue.isSubmitKept).toBe(false);
  });

  test("submitting without a verdict says so", async () => {
    const queue = openQueue(server);
    expect(await queue.submit()).toEqual({ kind: "no_verdict" });
    expect(queue.isSubmitKept).toBe(false);
  });

  test("sends a mask's blob before the mark that names it", async () => {
    const digest = "ab".repeat(32);
    const queue = openQueue(server, "tab-1", { blobOf: () => new Uint8Array([1, 0, 0, 0]) });
    const masked = lesion("m", {
      kind: "mask",
      points: [],
      mask: { origin: [0, 0, 0], shape: [1, 1, 1], digest },
    });
    queue.change(addLesion(EMPTY, masked));
    await queue.flush();
    expect([...server.blobs]).toEqual([digest]);
    expect(marks(server)).toEqual(["m"]);
  });

  test("sends the blob of the mask that a contour was made from, too", async () => {
    const digest = "cd".repeat(32);
    const queue = openQueue(server, "tab-1", { blobOf: () => new Uint8Array([1, 0, 0, 0]) });
    const mask = {
      origin: [0, 0, 0] as [number, number, number],
      shape: [1, 1, 1] as [number, number, number],
      digest,
    };
    const place = { sop_instance_uid: "1.2.3", frame: 1 };
    queue.change(addLesion(EMPTY, lesion("m", { drawn_as: { kind: "mask", ...place, points: [], mask } })));
    await queue.flush();
    expect([...server.blobs]).toEqual([digest]);
    expect(server.reading.lesions[0]?.drawn_as?.mask?.digest).toBe(digest);
  });

  test("sends measurements when they change, and only then", async () => {
    const queue = openQueue(server);
    const place = { sop_instance_uid: "1.2.3", frame: 1, text: "" };
    const points: [number, number][] = [
      [1, 1],
      [4, 5],
    ];
    const measured = { ...EMPTY, measurements: [{ id: "x", kind: "length" as const, ...place, points }] };
    queue.change(measured);
    await queue.flush();
    expect(server.reading.measurements).toEqual(measured.measurements);
    queue.change({ ...measured, comment: "later" });
    await queue.flush();
    expect(server.saves.map((body) => "measurements" in body)).toEqual([true, false]);
    expect(server.reading.measurements).toEqual(measured.measurements);
  });

  test("leaving the page sends what is pending in a request that may outlive it", async () => {
    const queue = openQueue(server);
    queue.change(addLesion(EMPTY, lesion("a")));
    queue.leave();
    await settle();
    expect(marks(server)).toEqual(["a"]);
  });

  test("a clean tab takes over what another tab saved", async () => {
    const replaced: string[] = [];
    const mine = openQueue(server, "tab-1", { onReplaced: (reading) => replaced.push(reading.etag) });
    const other = openQueue(server, "tab-2");
    other.change(addLesion(EMPTY, lesion("a")));
    await other.flush();
    await mine.refresh();
    expect(replaced).toEqual([server.reading.etag]);
    expect(mine.mine.lesions.map(({ id }) => id)).toEqual(["a"]);
  });

  test("a look at the server that is answered after a later save takes nothing back", async () => {
    const queue = openQueue(server);
    queue.change(addLesion(EMPTY, lesion("a")));
    await queue.flush();
    const slow = await server.current();
    let answer: (reply: Reply) => void = () => undefined;
    server.current = () => new Promise((done) => (answer = done));
    const looking = queue.refresh();
    queue.change(addLesion(queue.mine, lesion("b")));
    await queue.flush();
    answer(slow);
    expect(await looking).toBeNull();
    expect(queue.mine.lesions.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  describe("after a tab died", () => {
    async function leftover(): Promise<JournalEntry> {
      const waiting = leftoversOf("rita");
      await pass(400);
      return (await waiting)[0] as JournalEntry;
    }

    const leave = async () => {
      server.cut = "before";
      const dead = openQueue(server, "dead");
      dead.change(addLesion(EMPTY, lesion("a")));
      await dead.flush();
      dead.close();
      server.cut = "no";
    };

    test("the next one sends what was left", async () => {
      await leave();
      const queue = openQueue(server, "alive");
      await queue.restore(await leftover(), server.reading);
      expect(marks(server)).toEqual(["a"]);
      expect(await entries()).toEqual([]);
    });

    test("bytes of a mask that the server has, and no lesion of it names yet, are left to the next one", async () => {
      const digest = "d".repeat(64);
      const bytes = new Uint8Array([2, 0, 1]);
      const mask = {
        origin: [0, 0, 0] as [number, number, number],
        shape: [1, 1, 1] as [number, number, number],
        digest,
      };
      const dead = openQueue(server, "dead", { blobOf: () => bytes });
      server.save = async () => ({ kind: "unreachable" });
      dead.change(addLesion(EMPTY, lesion("m", { kind: "mask", points: [], mask })));
      await dead.flush();
      expect(server.blobs).toEqual(new Set([digest]));
      dead.change(addLesion(dead.mine, lesion("later")));
      await settle();
      dead.close();
      expect((await leftover()).blobs).toEqual({ [digest]: bytes });
    });

    test("a save whose answer it never saw is repeated, not doubled", async () => {
      server.cut = "after";
      const dead = openQueue(server, "dead");
      dead.change(addLesion(EMPTY, lesion("a")));
      await dead.flush();
      dead.close();
      server.cut = "no";
      const queue = openQueue(server, "alive");
      await queue.restore(await leftover(), server.reading);
      expect(server.reading.revision).toBe(1);
      expect(kindOf(queue)).toBe("saved");
    });

    test("what was left is a conflict when the server has moved on", async () => {
      server.cut = "before";
      const dead = openQueue(server, "dead");
      dead.change(addLesion(EMPTY, lesion("left")));
      await settle();
      dead.close();
      server.cut = "no";
      const other = openQueue(server, "other");
      other.change(addLesion(EMPTY, lesion("newer")));
      await other.flush();
      const queue = openQueue(server, "alive");
      await queue.restore(await leftover(), server.reading);
      expect(kindOf(queue)).toBe("conflict");
      await queue.keepMine();
      expect(marks(server)).toEqual(["left"]);
    });

    test("a submission whose answer it never saw was none that was refused", async () => {
      const dead = openQueue(server, "dead");
      dead.change(setVerdict(EMPTY, "no_lesion"));
      await dead.flush();
      server.cut = "after";
      expect(await dead.submit()).toEqual({ kind: "kept" });
      dead.close();
      server.cut = "no";
      expect(server.reading.state).toBe("submitted");
      const told: string[] = [];
      const queue = openQueue(server, "alive", { onNotTaken: (outcome) => told.push(outcome.kind) });
      await queue.restore(await leftover(), server.reading);
      expect([kindOf(queue), queue.isSubmitKept, told]).toEqual(["saved", false, []]);
      expect(await entries()).toEqual([]);
    });

    test("work left on another case is sent in the background, submit included", async () => {
      server.cut = "before";
      const dead = openQueue(server, "dead");
      dead.change(setVerdict(EMPTY, "no_lesion"));
      await dead.submit();
      dead.close();
      server.cut = "no";
      const sending = sendLeftovers({
        ...{ user: "rita", except: "another", tab: "alive", journal, newId },
        transportOf: () => server,
      });
      await pass(400);
      expect(await sending).toEqual([]);
      expect(server.reading.state).toBe("submitted");
      expect(await entries()).toEqual([]);
    });

    const send = (tab: string, extra: Partial<Parameters<typeof sendLeftovers>[0]> = {}) =>
      sendLeftovers({
        ...{ user: "rita", except: null, tab, journal, newId, transportOf: () => server },
        ...extra,
      });

    test("work left on a case that is open in some room is that room's to send", async () => {
      await leave();
      const stop = answerForTab("r");
      const sending = send("alive");
      await pass(400);
      expect(await sending).toEqual([]);
      expect(server.saves).toEqual([]);
      expect(await entries()).toHaveLength(1);
      stop();
    });

    test("two windows that find the same work left send it once", async () => {
      await leave();
      const sending = [send("one"), send("two")];
      await pass(400);
      expect(await Promise.all(sending)).toEqual([[], []]);
      expect([marks(server), server.saves.length]).toEqual([["a"], 1]);
      expect(await entries()).toEqual([]);
    });

    test("no more is sent in the background once its page is left", async () => {
      await leave();
      const gone = new AbortController();
      const transport = Object.assign(new Server(), {
        current: async () => {
          gone.abort();
          return server.current();
        },
        save: server.save,
      });
      const sending = send("alive", { signal: gone.signal, transportOf: () => transport });
      await pass(400);
      expect((await sending).map((entry) => entry.reading)).toEqual(["r"]);
      expect(server.saves).toEqual([]);
      expect(await entries()).toHaveLength(1);
    });

    test("what was left stays where the device has no room for its copy, until the server has it", async () => {
      await leave();
      const full = { ...journal, put: () => Promise.reject(new Error("QuotaExceededError")) };
      server.cut = "before";
      const queue = openQueue(server, "alive", { journal: full });
      await queue.restore(await leftover(), server.reading);
      expect((await entries()).map((entry) => entry.tab)).toEqual(["dead"]);
      server.cut = "no";
      expect(await queue.flush()).toBe(true);
      await settle();
      expect(await entries()).toEqual([]);
    });

    test("a tab that still lives keeps its entries, and another user sees none", async () => {
      const stop = answerForTab("living");
      server.cut = "before";
      const living = openQueue(server, "living");
      living.change(addLesion(EMPTY, lesion("a")));
      await living.flush();
      const waiting = leftoversOf("rita");
      await pass(400);
      expect(await waiting).toEqual([]);
      expect(await journal.entriesOf("sam")).toEqual([]);
      stop();
      living.close();
    });

    test("signing out purges that user's entries alone", async () => {
      server.cut = "before";
      const rita = openQueue(server, "one");
      const sam = openQueue(server, "two", { user: "sam" });
      rita.change(addLesion(EMPTY, lesion("a")));
      sam.change(addLesion(EMPTY, lesion("b")));
      await rita.flush();
      await sam.flush();
      await journal.purge("rita");
      expect(await entries()).toEqual([]);
      expect(await journal.entriesOf("sam")).toHaveLength(1);
      rita.close();
      sam.close();
    });
  });

  describe("with slices that were on screen", () => {
    const seenBy = (slices: SlicesRead, ...ranges: [number, number][]) => {
      slices.add(ranges);
      return slices;
    };
    const opened = (tab = "tab-1") => {
      const slices = SlicesRead.of(server.reading, true);
      return { slices, queue: openQueue(server, tab, { slices }) };
    };
    const sent = () => server.saves.map((body) => body.slices_read);

    test("saves nothing when somebody looks on; the next save takes them along, once", async () => {
      const { slices, queue } = opened();
      seenBy(slices, [3, 5]);
      await pass(5000);
      expect(server.saves).toEqual([]);
      queue.change({ ...EMPTY, comment: "a" });
      await pass(2000);
      queue.change({ ...EMPTY, comment: "ab" });
      await pass(2000);
      seenBy(slices, [6, 6]);
      // What is taken back is the edit, not that these slices were seen.
      queue.change(EMPTY);
      await pass(2000);
      expect(sent()).toEqual([[[3, 5]], undefined, [[3, 6]]]);
    });

    test("says with the first save that none was seen", async () => {
      const { queue } = opened();
      queue.change({ ...EMPTY, comment: "a" });
      await queue.flush();
      expect(server.reading.slices_read).toEqual([]);
    });

    test("hands in what was seen since the last save, and nothing that is seen after", async () => {
      const { slices, queue } = opened();
      queue.change(setVerdict(EMPTY, "no_lesion"));
      await queue.flush();
      seenBy(slices, [0, 11]);
      expect((await queue.submit()).kind).toBe("submitted");
      expect(server.reading.slices_read).toEqual([[0, 11]]);
      seenBy(slices, [12, 12]);
      expect([slices.seen, await queue.flush(), server.saves.length]).toEqual([null, true, 2]);
    });

    test("is sent when a begun reading is left, and begins none that was merely looked at", async () => {
      const { slices, queue } = opened();
      seenBy(slices, [0, 3]);
      await queue.flush();
      queue.leave();
      expect(server.saves).toEqual([]);
      queue.change({ ...EMPTY, comment: "a" });
      await queue.flush();
      seenBy(slices, [4, 7]);
      await queue.flush();
      expect(server.reading.slices_read).toEqual([[0, 7]]);
      seenBy(slices, [8, 8]);
      queue.leave();
      await settle();
      expect(server.reading.slices_read).toEqual([[0, 8]]);
    });

    test("another tab that only looked on is no conflict: both have seen what they have seen", async () => {
      const one = opened("one");
      one.queue.change({ ...EMPTY, comment: "a" });
      await one.queue.flush();
      const other = opened("other");
      seenBy(other.slices, [0, 3]);
      await other.queue.flush();
      seenBy(one.slices, [6, 7]);
      one.queue.change({ ...EMPTY, comment: "ab" });
      expect(await one.queue.flush()).toBe(true);
      expect([server.reading.comment, server.reading.slices_read]).toEqual([
        "ab",
        [
          [0, 3],
          [6, 7],
        ],
      ]);
    });

    test("a tab that only looked on takes over what another has changed", async () => {
      const replaced: string[] = [];
      const one = opened("one");
      one.queue.change({ ...EMPTY, comment: "a" });
      await one.queue.flush();
      const slices = SlicesRead.of(server.reading, true);
      const onReplaced = (reading: Reading) => void replaced.push(reading.comment);
      const queue = openQueue(server, "other", { slices, onReplaced });
      one.queue.change({ ...EMPTY, comment: "ab" });
      await one.queue.flush();
      seenBy(slices, [2, 2]);
      await queue.flush();
      expect([kindOf(queue), queue.mine.comment, replaced]).toEqual(["saved", "ab", ["ab"]]);
      expect(server.reading.slices_read).toEqual([[2, 2]]);
    });

    test("a conflict keeps what was seen in both tabs, whichever version is gone on with", async () => {
      for (const choice of ["keepMine", "takeTheirs"] as const) {
        server = new Server();
        const [one, other] = [opened("one"), opened("other")];
        seenBy(one.slices, [0, 1]);
        one.queue.change({ ...EMPTY, comment: "one" });
        await one.queue.flush();
        seenBy(other.slices, [5, 6]);
        other.queue.change({ ...EMPTY, comment: "other" });
        await other.queue.flush();
        expect(kindOf(other.queue)).toBe("conflict");
        await other.queue[choice]();
        await other.queue.flush();
        expect([choice, server.reading.slices_read]).toEqual([
          choice,
          [
            [0, 1],
            [5, 6],
          ],
        ]);
      }
    });

    test("what a dead tab has seen is sent with what it left", async () => {
      const dead = opened("dead");
      server.cut = "before";
      seenBy(dead.slices, [0, 4]);
      dead.queue.change({ ...EMPTY, comment: "left" });
      await settle();
      dead.queue.close();
      server.cut = "no";
      const waiting = leftoversOf("rita");
      await pass(400);
      const { slices, queue } = opened("alive");
      seenBy(slices, [9, 9]);
      await queue.restore((await waiting)[0] as JournalEntry, server.reading);
      expect([server.reading.comment, server.reading.slices_read]).toEqual([
        "left",
        [
          [0, 4],
          [9, 9],
        ],
      ]);
    });
  });
});
