/** The reading room: opens a case and hands it to its session. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { ApiError } from "@/lib/api-client";
import type { Me, Project, Reading } from "@/lib/api-types";
import { currentLanguage, languageOf, switchLanguage } from "@/lib/i18n";
import { startDecoding } from "@/lib/imaging/frame-memory";
import { StackView } from "@/lib/imaging/stack-view";
import { listAddress } from "@/lib/list-place";
import { useMe } from "@/lib/me";
import { useProject } from "@/lib/project";
import { soon } from "@/lib/soon";
import { ErrorState } from "@/ui/error-state";
import { transportOf } from "./api/reading-api";
import "./reading-room.css";
import { ReviewGonePage } from "./panels/review-gone-page";
import { ReadingRoom } from "./reading-room";
import { decodeFirstImage } from "./state/first-image";
import { type JournalEntry, journal, leftoversOf } from "./state/journal";
import { newId } from "./state/new-id";
import { openedCase } from "./state/opening";
import { type OpenedRoom, ReviewGone } from "./state/review-room";
import { RoomSession } from "./state/room-session";
import { sendLeftovers } from "./state/send-leftovers";
import { SessionContext } from "./state/session-context";

// Its decoders start while the case is still on its way.
startDecoding();

const STORE_PATIENCE_MS = 1000;

export default function ReadingRoomPage() {
  const { slug = "", caseId = "" } = useParams();
  const { t } = useTranslation("reading");
  const [params] = useSearchParams();
  const review = params.get("review");
  const me = useMe();
  const project = useProject(slug);
  // Opening leases the case and is audited, so it happens once, not whenever the window gets the focus.
  const room = useQuery({
    queryKey: ["room", slug, caseId, review],
    queryFn: async () => {
      const opened = await openedCase(slug, caseId, review);
      // What fails here fails in the room again, by name.
      decodeFirstImage(opened).catch(() => undefined);
      return opened;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnReconnect: false,
    retry: (failures, error) =>
      failures < 2 && !(error instanceof ReviewGone || (error instanceof ApiError && error.status < 500)),
  });
  useEffect(() => {
    if (me.data && languageOf(me.data.language) !== currentLanguage())
      void switchLanguage(languageOf(me.data.language));
  }, [me.data]);
  if (room.error instanceof ReviewGone)
    return <ReviewGonePage slug={slug} caseId={caseId} reader={params.get("reader") ?? ""} />;
  const failed = [room, project, me].find((query) => query.isError);
  if (failed) {
    return (
      <div className="rr-problem">
        <ErrorState error={failed.error} retry={() => void failed.refetch()} />
        <Link to={listAddress(me.data?.username ?? "", slug)}>{t("backToWorklist")}</Link>
      </div>
    );
  }
  if (!room.data || !project.data || !me.data) return <div className="rr" aria-busy="true" />;
  const { reading } = room.data;
  const key = `${caseId} ${review ?? ""} ${reading.id} ${reading.state} ${room.dataUpdatedAt}`;
  return <OpenRoom key={key} room={room.data} project={project.data} me={me.data} />;
}

interface OpenRoomProps {
  room: OpenedRoom;
  project: Project;
  me: Me;
}

function OpenRoom({ room, project, me }: OpenRoomProps) {
  const user = me.username;
  const [session, setSession] = useState<RoomSession | null>(null);
  const [leftovers, setLeftovers] = useState<JournalEntry[]>([]);
  const client = useQueryClient();
  const navigate = useNavigate();
  const { slug } = project;
  const roomKey = ["room", slug, room.case.id, room.review?.reading ?? null];
  const path = roomKey.join("/");

  // biome-ignore lint/correctness/useExhaustiveDependencies: roomKey is new each time, path is the same text
  const replaceReading = useCallback(
    (reading: Reading) => {
      const readonly = reading.state === "submitted" ? "submitted" : null;
      client.setQueryData<OpenedRoom>(roomKey, (known) => (known ? { ...known, reading, readonly } : known));
    },
    [client, path],
  );

  /** The same opening goes on with what the model found: its session is not renewed. */
  const showRevealed = (revealed: OpenedRoom) => {
    const updatedAt = client.getQueryState(roomKey)?.dataUpdatedAt;
    client.setQueryData<OpenedRoom>(roomKey, revealed, updatedAt === undefined ? {} : { updatedAt });
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: one session for one opening; the parent's key renews it
  useEffect(() => {
    let dead = false;
    let made: RoomSession | null = null;
    const begin = async () => {
      const looking = leftoversOf(user).catch(() => []);
      // A device's store that does not answer keeps no case from being opened.
      await soon(looking, STORE_PATIENCE_MS).catch(() => undefined);
      if (dead) return;
      made = new RoomSession({
        ...{ room, project, user, preferences: me.room },
        onSubmitted: replaceReading,
        onReplaced: replaceReading,
        onRevealed: showRevealed,
        onReload: () => void client.refetchQueries({ queryKey: roomKey }),
      });
      made.view = new StackView();
      setSession(made);
      const left = await looking;
      if (dead) return;
      const own = left.find((entry) => entry.reading === room.reading.id);
      // Found late, when something was marked already: it waits for the next opening.
      if (own && made.isUntouched) await made.restore(own);
      if (left.some((entry) => entry.reading !== room.reading.id) && !dead) {
        const rest = { user, except: room.reading.id, tab: newId(), journal, transportOf, newId };
        const unsent = await sendLeftovers(rest);
        if (!dead) setLeftovers(unsent);
      }
    };
    void begin();
    return () => {
      dead = true;
      made?.view?.destroy();
      void made?.close();
    };
  }, []);

  useEffect(() => {
    document.title = `${room.case.name} · Overread`;
    return () => {
      document.title = "Overread";
    };
  }, [room.case.name]);

  const known = useMemo(() => session && { session, room }, [session, room]);
  if (!known) return <div className="rr" aria-busy="true" />;
  return (
    <SessionContext value={known}>
      <ReadingRoom leftovers={leftovers} onReading={replaceReading} navigate={navigate} />
    </SessionContext>
  );
}
