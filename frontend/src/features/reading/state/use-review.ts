/** Deciding on the reading under review, and going on to the next one that waits. */
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { type NavigateFunction, useLocation, useSearchParams } from "react-router";
import { ApiError } from "@/lib/api-client";
import { useOnline } from "@/lib/use-online";
import { beginEdit, decideReview } from "../api/review-api";
import { type Choice, choicesFor, type WhyNot } from "./review-choices";
import { queueAddress, reviewAddress } from "./review-queue";
import { type RoomSession, SEND_BACK_REASONS } from "./room-session";
import { nextOf, placeOf } from "./use-coming";
import { useWords } from "./use-words";

/** A sentence of the words file, or the server's own. */
export type Told = { key: string } | { text: string };

export interface ReviewActs {
  choices: Record<Choice, WhyNot | null>;
  /** The act under way. */
  busy: Choice | "skip" | null;
  /** What came of the last act, where it was not what was meant. */
  told: Told | null;
  agree: () => void;
  edit: () => void;
  /** Ask what to say to the reader; once it is said, send it. */
  askSendBack: () => void;
  sendBack: () => void;
  /** The n-th of the reasons that are said often; false where none is asked for. */
  giveReason: (n: number) => boolean;
  skip: () => void;
}

/** Refusals that say: what is on the screen is not what is there. */
const OUTDATED = new Set(["stale", "edited"]);
const KNOWN = new Set([...OUTDATED, "blinded", "own_reading"]);

export function useReview(session: RoomSession, navigate: NavigateFunction): ReviewActs | null {
  const t = useWords();
  const client = useQueryClient();
  const isOnline = useOnline();
  const location = useLocation();
  const [params] = useSearchParams();
  const reader = params.get("reader") ?? "";
  const [busy, setBusy] = useState<ReviewActs["busy"]>(null);
  const running = useRef(false);
  const [problem, setProblem] = useState<Told | null>(null);
  const reloaded = (location.state as { told?: string } | null)?.told;
  const { review, ui } = session;
  const { slug } = session.project;
  const choices = useMemo(() => (review ? choicesFor(review, isOnline) : null), [review, isOnline]);
  if (!review || !choices) return null;

  const goOn = () => goToNext({ session, client, navigate, reader });
  const run = async (act: Choice | "skip", does: () => Promise<unknown>) => {
    if (running.current) return;
    // While it is asked what to say to the reader, a letter that misses the field decides nothing.
    if (act !== "sendBack" && ui.getState().sendBack) return;
    const why = act === "skip" ? null : choices[act];
    if (why) return setProblem({ key: `review.whyNot.${why}` });
    running.current = true;
    setBusy(act);
    setProblem(null);
    try {
      await does();
    } catch (error) {
      const code = error instanceof ApiError ? error.code : "";
      const isGone = error instanceof ApiError && error.status === 404;
      if (OUTDATED.has(code) || isGone) {
        // The room is opened anew, and says why; what is gone, the page in its place says.
        if (!isGone) await navigate(location, { replace: true, state: { told: `review.refused.${code}` } });
        await client.refetchQueries({ queryKey: ["room", slug, session.room.case.id, review.reading] });
      } else setProblem(toldOf(error));
    }
    running.current = false;
    setBusy(null);
  };
  const decide = (act: "agree" | "sendBack", comment?: string) =>
    run(act, async () => {
      await decideReview(slug, review, act === "agree" ? "agreed" : "sent_back", comment);
      await goOn();
    });
  const write = (text: string) =>
    // At once, so that what is typed next goes into the field, and never with the panel that holds it closed.
    flushSync(() => ui.setState({ sendBack: { text }, hint: null, right: true }));
  const sendBack = () => {
    const said = ui.getState().sendBack?.text.trim();
    if (said) void decide("sendBack", said);
  };
  return {
    choices,
    busy,
    told: problem ?? (reloaded ? { key: reloaded } : null),
    agree: () => void decide("agree"),
    edit: () =>
      void run("edit", async () => {
        const begun = await beginEdit(slug, review);
        await navigate(`/p/${slug}/read/${begun.case}${reader ? `?${new URLSearchParams({ reader })}` : ""}`);
      }),
    askSendBack: () => {
      if (choices.sendBack) setProblem({ key: `review.whyNot.${choices.sendBack}` });
      else if (ui.getState().sendBack) sendBack();
      else {
        setProblem(null);
        write("");
      }
    },
    sendBack,
    giveReason: (n) => {
      const reason = SEND_BACK_REASONS[n - 1];
      if (!reason || !ui.getState().sendBack) return false;
      write(reason === "other" ? "" : t(`review.reason.${reason}`));
      return true;
    },
    skip: () => void run("skip", goOn),
  };
}

function toldOf(error: unknown): Told {
  if (error instanceof ApiError) {
    return KNOWN.has(error.code) ? { key: `review.refused.${error.code}` } : { text: error.message };
  }
  if (error instanceof TypeError) return { key: "review.refused.network" };
  return { text: error instanceof Error ? error.message : String(error) };
}

interface GoOn {
  session: RoomSession;
  client: ReturnType<typeof useQueryClient>;
  navigate: NavigateFunction;
  reader: string;
}

/** Open the next reading that waits; after the last one, the queue. */
export async function goToNext({ session, client, navigate, reader }: GoOn): Promise<void> {
  const { slug } = session.project;
  const place = placeOf(session);
  const next = place && (await nextOf(client, slug, reader, place));
  // What was known of the queue holds no longer: one reading of it has been gone over.
  void client.invalidateQueries({ queryKey: ["reviews", slug], refetchType: "none" });
  await navigate(next ? reviewAddress(slug, next, reader) : queueAddress(slug, reader));
}
