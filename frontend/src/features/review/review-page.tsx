import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import { type QueueView, useQueue } from "@/features/review/api/reviews";
import { NoReviews } from "@/features/review/components/no-reviews";
import { QueueControls } from "@/features/review/components/queue-controls";
import { QueueFoot } from "@/features/review/components/queue-foot";
import { QueueTable } from "@/features/review/components/queue-table";
import { useQueueView } from "@/features/review/state/queue-view";
import { wayTo } from "@/features/review/state/way-to";
import { keepPlace, keptPlace } from "@/lib/list-place";
import { useMe } from "@/lib/me";
import { useSlug } from "@/lib/project";
import { useKeys } from "@/lib/use-keys";
import { Button } from "@/ui/button";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

/** Rows that PgUp and PgDn go, as in the worklist. */
const LEAP = 10;

/** What others have submitted, for a second person's decision. */
export default function ReviewPage() {
  const slug = useSlug();
  const user = useMe().data?.username ?? "";
  return <Queue key={`${slug} ${user}`} slug={slug} user={user} />;
}

function Queue({ slug, user }: { slug: string; user: string }) {
  const { t } = useTranslation("review");
  const navigate = useNavigate();
  const client = useQueryClient();
  const { pathname, search } = useLocation();
  const [view, change] = useQueueView();
  const queue = useQueue(slug, view);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = queue;
  const [place] = useState(() => {
    const kept = keptPlace(user, slug);
    return kept?.address === pathname + search ? kept : null;
  });
  const [at, setAt] = useState(place?.at ?? 0);
  const top = useRef(place?.top ?? 0);
  const states = useRef<HTMLDivElement>(null);
  const reader = useRef<HTMLSelectElement>(null);
  const rows = useMemo(() => queue.data?.pages.flatMap(({ results }) => results) ?? [], [queue.data]);
  const newest = queue.data?.pages.at(-1);
  const pointed = Math.min(at, Math.max(0, rows.length - 1));

  const open = useCallback(
    (way: string | null) => {
      if (way) void navigate(way);
    },
    [navigate],
  );
  const wayOf = (index: number) => {
    const row = rows[index];
    return row ? wayTo(slug, row, view.reader) : null;
  };
  const first = view.state === "waiting" ? wayOf(0) : null;
  const move = (by: number) => () => setAt(Math.max(0, Math.min(rows.length - 1, pointed + by)));
  useKeys({
    j: move(1),
    k: move(-1),
    arrowdown: move(1),
    arrowup: move(-1),
    pagedown: move(LEAP),
    pageup: move(-LEAP),
    home: move(-rows.length),
    end: move(rows.length),
    enter: () => open(wayOf(pointed)),
    c: () => open(first),
    f: () => states.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus(),
    g: () => reader.current?.focus(),
  });
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const show = (wanted: Partial<QueueView>) => {
    setAt(0);
    top.current = 0;
    change(wanted);
  };

  // Who comes back has decided meanwhile: nothing of the list counts as fresh then.
  useEffect(
    () => () => void client.invalidateQueries({ queryKey: ["reviews", slug], refetchType: "none" }),
    [client, slug],
  );
  usePlaceKept(user, slug, () => ({
    address: pathname + search,
    at: pointed,
    id: rows[pointed]?.case.id ?? null,
    top: top.current,
  }));

  return (
    <>
      <PageHead title={t("title")} note={t("note")}>
        <Button variant={first ? "primary" : "default"} kbd="C" disabled={!first} onClick={() => open(first)}>
          {t("first")}
        </Button>
      </PageHead>
      <QueueControls
        view={view}
        counts={newest?.counts}
        readers={newest?.readers ?? []}
        onChange={show}
        statesRef={states}
        readerRef={reader}
      />
      <div className="card" style={{ flex: 1, minHeight: 0 }}>
        {queue.isError && !newest ? (
          <ErrorState error={queue.error} retry={() => void queue.refetch()} />
        ) : !newest || queue.isPlaceholderData ? (
          <LoadingRows rows={12} />
        ) : rows.length === 0 ? (
          <NoReviews view={view} counts={newest.counts} readers={newest.readers} onChange={show} />
        ) : (
          <QueueTable
            slug={slug}
            rows={rows}
            state={view.state}
            reader={view.reader}
            at={pointed}
            hasMore={hasNextPage}
            onMore={more}
            onPoint={setAt}
            onOpen={open}
            top={top}
          />
        )}
        {queue.isFetchNextPageError ? <ErrorState error={queue.error} retry={more} /> : null}
        <QueueFoot total={newest && !view.reader ? newest.counts[view.state] : undefined} state={view.state} />
      </div>
    </>
  );
}

/** Note the place whenever the list is left: the room leads back here. */
function usePlaceKept(user: string, slug: string, placeNow: () => Parameters<typeof keepPlace>[2]): void {
  const latest = useRef(placeNow);
  useLayoutEffect(() => {
    latest.current = placeNow;
  });
  useLayoutEffect(() => {
    const keep = () => keepPlace(user, slug, latest.current());
    window.addEventListener("pagehide", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      keep();
    };
  }, [user, slug]);
}
