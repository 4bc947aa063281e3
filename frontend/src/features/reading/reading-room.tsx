/** The room itself: bar, strips, three panes, dialogs, and the keys that run it all. */
import { useQueryClient } from "@tanstack/react-query";
import { type CSSProperties, type MouseEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { type NavigateFunction, useSearchParams } from "react-router";
import { ApiError, onSignedOut } from "@/lib/api-client";
import type { Reading } from "@/lib/api-types";
import { framesKept } from "@/lib/imaging/frame-memory";
import { registerHeaders } from "@/lib/imaging/frames";
import { useMe, useUpdateMe } from "@/lib/me";
import { isTyping } from "@/lib/use-keys";
import { nextCase, reopenReading } from "./api/reading-api";
import { ConflictDialog } from "./panels/conflict-dialog";
import { RoomKeysDialog } from "./panels/keys-dialog";
import { type Coming, LeftPanel } from "./panels/left-panel";
import { NameReportDialog } from "./panels/name-report";
import { LeftEdge } from "./panels/panel-edge";
import { ReviewPanel } from "./panels/review-panel";
import { RightPanel } from "./panels/right-panel";
import { Strips } from "./panels/strips";
import { TopBar } from "./panels/top-bar";
import type { JournalEntry } from "./state/journal";
import { headersBegun } from "./state/opening";
import { readAhead } from "./state/read-ahead";
import { reviewAddress } from "./state/review-queue";
import type { RoomSession } from "./state/room-session";
import { useSession, useUi, useView } from "./state/session-context";
import { caseBefore, noteCase } from "./state/trail";
import { useComing } from "./state/use-coming";
import { useRelated } from "./state/use-related";
import { goToNext, useReview } from "./state/use-review";
import { useRoomKeys } from "./state/use-room-keys";
import { useWords } from "./state/use-words";
import { Panes } from "./viewer/panes";
import { Viewport } from "./viewer/viewport";

interface Props {
  leftovers: JournalEntry[];
  /** The reading is in another state now: submitted, or a draft again. */
  onReading: (reading: Reading) => void;
  navigate: NavigateFunction;
}

export function ReadingRoom({ leftovers, onReading, navigate }: Props) {
  const session = useSession();
  const { slug } = session.project;
  const caseId = session.room.case.id;
  const comment = useRef<HTMLTextAreaElement>(null);
  const left = useUi((state) => state.left);
  const leftWidth = useUi((state) => state.leftWidth);
  const right = useUi((state) => state.right);
  const own = useMe().data?.key_bindings;
  const { failure, load } = useFrames(session);
  const t = useWords();
  const coming = useUpNext(session);
  const loadedAhead = useReadAhead(session, coming);
  const review = useReview(session, navigate);
  const askRelated = useRelated(session);
  useKept(session);
  const [reopenProblem, setReopenProblem] = useState<string | null>(null);
  const { submit, submitting } = useSubmit(session, navigate, onReading);
  useLeaving(session);
  // Under review the way back is the queue's.
  const isRead = review === null;
  useEffect(() => {
    if (isRead) noteCase(slug, caseId);
  }, [slug, caseId, isRead]);

  const previousCase = useCallback(() => {
    // Under review: the one that was decided on before, to decide otherwise.
    if (session.review) return void navigate(-1);
    const before = caseBefore(slug, caseId);
    if (before) void navigate(`/p/${slug}/read/${before}`);
    else session.say("firstCase");
  }, [slug, caseId, navigate, session]);

  const keys = useMemo(
    () => ({
      own: own ?? {},
      submit,
      previousCase,
      review,
      focusComment: () => {
        // At once, or the first letters of a fast typist would be taken for keys.
        if (!comment.current) flushSync(() => session.ui.setState({ left: true }));
        comment.current?.focus();
      },
    }),
    [own, submit, previousCase, review, session],
  );
  useRoomKeys(session, keys);

  const reopen = async () => {
    try {
      onReading(await reopenReading(slug, session.room.reading.id));
    } catch (error) {
      const isEdited = error instanceof ApiError && error.code === "edited";
      setReopenProblem(isEdited ? t("readonly.edited") : error instanceof Error ? error.message : String(error));
    }
  };

  if (!session.view) return null;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: gives the focus back, no act of its own
    <div
      onClick={backToImage}
      className={`rr${left ? "" : " no-left"}${right ? "" : " no-right"}`}
      style={leftWidth === null ? undefined : ({ "--L": `${leftWidth}px` } as CSSProperties)}
    >
      <TopBar />
      <Strips leftovers={leftovers} onReopen={() => void reopen()} reopenProblem={reopenProblem} />
      <div className="body">
        {left ? (
          <LeftPanel comment={comment} loadedAhead={loadedAhead} onRelated={askRelated} coming={coming} />
        ) : null}
        <Panes>
          <Viewport view={session.view} failure={failure} onRetry={load} />
        </Panes>
        <LeftEdge />
        {!right ? null : review ? (
          <ReviewPanel acts={review} />
        ) : (
          <RightPanel onSubmit={submit} submitting={submitting} />
        )}
      </div>
      <ConflictDialog />
      <NameReportDialog />
      <RoomKeysDialog />
    </div>
  );
}

/** After a click on a button the keys belong to the image again; who came to it by Tab stays on it. */
function backToImage(event: MouseEvent<HTMLDivElement>): void {
  const target = event.target instanceof Element ? event.target.closest("button") : null;
  // A dialog's button is no part of the room's own elements; its focus stays in the dialog.
  if (!target || !event.currentTarget.contains(target)) return;
  if (event.detail === 0 || target.hasAttribute("aria-haspopup") || isTyping(document.activeElement)) return;
  event.currentTarget.querySelector<HTMLElement>(".rr-pointer")?.focus({ preventScroll: true });
}

/** Headers first, then the frames. */
function useFrames(session: RoomSession): { failure: string | null; load: () => void } {
  const [failure, setFailure] = useState<string | null>(null);
  const load = useCallback(() => {
    setFailure(null);
    registerHeaders(session.room.series, { begun: () => headersBegun(session.room) })
      .then((frames) => {
        const { view, room } = session;
        const showing = view?.show(frames, session.firstFrame);
        // After the first frame was asked for: what follows the view may wait.
        if (view)
          session.links.add(view, { frames, frameOfReference: room.series.frame_of_reference_uid, side: "" });
        return showing;
      })
      .catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  }, [session]);
  useEffect(load, [load]);
  return { failure, load };
}

/** How the person likes the room goes to the account; that it did not get there is told, and stops nobody. */
function useKept(session: RoomSession): void {
  const { mutate } = useUpdateMe();
  useEffect(() => {
    session.keep = (change) => mutate({ room: change }, { onError: () => session.say("unkept") });
  }, [session, mutate]);
}

/** The cases that open after this one: of the worklist, or of the queue of reviews. */
function useUpNext(session: RoomSession): Coming[] {
  const [params] = useSearchParams();
  const reader = params.get("reader") ?? "";
  const reviews = useComing(session, reader);
  const { slug } = session.project;
  return useMemo(
    () =>
      session.review || session.room.reading.revises
        ? reviews.map((row) => ({ ...row.case, to: reviewAddress(slug, row, reader) }))
        : session.room.next.map((next) => ({ ...next, to: `/p/${slug}/read/${next.id}` })),
    [session, reviews, slug, reader],
  );
}

function useReadAhead(session: RoomSession, coming: Coming[]): number {
  const [count, setCount] = useState(0);
  const complete = useView(({ frames, shown, loaded }) => {
    const frame = shown === null ? undefined : frames[shown];
    return frame !== undefined && loaded >= framesKept(frames.length, frame.imageId);
  });
  useEffect(() => {
    if (!complete) return;
    return readAhead(session.project.slug, coming, setCount);
  }, [complete, session, coming]);
  return count;
}

function useSubmit(
  session: RoomSession,
  navigate: NavigateFunction,
  onReading: (reading: Reading) => void,
): { submit: () => void; submitting: boolean } {
  const [submitting, setSubmitting] = useState(false);
  const running = useRef(false);
  const { slug } = session.project;
  const client = useQueryClient();
  const reader = useSearchParams()[0].get("reader") ?? "";
  const submit = useCallback(() => {
    if (running.current) return;
    running.current = true;
    setSubmitting(true);
    const run = async () => {
      const outcome = await session.submit();
      if (outcome?.kind !== "submitted") return;
      try {
        // An edit decides on another's reading: the queue goes on where it was left.
        if (session.room.reading.revises) return await goToNext({ session, client, navigate, reader });
        const next = await nextCase(slug, session.room.case.id);
        await navigate(next.case ? `/p/${slug}/read/${next.case}` : `/p/${slug}/worklist`);
      } catch {
        // Submitted, and the server gone since: the case stays open, to be looked at only.
        onReading(outcome.reading);
      }
    };
    void run().finally(() => {
      running.current = false;
      setSubmitting(false);
    });
  }, [session, slug, navigate, onReading, client, reader]);
  return { submit, submitting };
}

/** Nothing is left behind: sent when the page hides, in a request that outlives it when it goes. */
function useLeaving(session: RoomSession): void {
  useEffect(() => {
    const { queue } = session;
    const onVisibility = () => {
      if (document.visibilityState === "hidden") void queue.flush();
      else void queue.refresh();
    };
    const onHide = () => queue.leave();
    const onBeforeUnload = (event: BeforeUnloadEvent) => {
      const { kind } = queue.status;
      const isHeld = kind === "conflict" || kind === "offline" || kind === "refused" || kind === "signed_out";
      if ((isHeld && !queue.isClean) || queue.isUnkept) event.preventDefault();
    };
    const onOnline = () => queue.tryNow();
    const stop = onSignedOut(() => queue.noteSignedOut());
    document.addEventListener("visibilitychange", onVisibility);
    window.addEventListener("pagehide", onHide);
    window.addEventListener("beforeunload", onBeforeUnload);
    window.addEventListener("online", onOnline);
    return () => {
      stop();
      document.removeEventListener("visibilitychange", onVisibility);
      window.removeEventListener("pagehide", onHide);
      window.removeEventListener("beforeunload", onBeforeUnload);
      window.removeEventListener("online", onOnline);
    };
  }, [session]);
}
