import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import { useNextCase } from "@/features/worklist/api/next-case";
import { usePace } from "@/features/worklist/api/pace";
import { isFiltered, NO_FILTERS, useWorklistStart, type WorklistView } from "@/features/worklist/api/worklist";
import { CaseTable } from "@/features/worklist/components/case-table";
import { FilterRow } from "@/features/worklist/components/filter-row";
import { HandOverBar } from "@/features/worklist/components/hand-over-bar";
import { ListControls } from "@/features/worklist/components/list-controls";
import { NoCases } from "@/features/worklist/components/no-cases";
import { WorklistFoot } from "@/features/worklist/components/worklist-foot";
import { useWorklistView, type WorklistFallback } from "@/features/worklist/worklist-view";
import type { Project, WorkRow } from "@/lib/api-types";
import { keptPlace } from "@/lib/list-place";
import { useMe } from "@/lib/me";
import { useKeys } from "@/lib/use-keys";
import { Button } from "@/ui/button";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

interface CaseListProps {
  slug: string;
  project: Project | undefined;
  fallback: WorklistFallback;
  leadColumns?: boolean;
  aside?: ReactNode;
}

/** Rows that PgUp and PgDn go, as the same keys go ten slices in the reading room. */
const LEAP = 10;

/** Search, status, order, and the rows; J K arrows Enter / F G S C X from anywhere on the page. */
export function CaseList({ slug, project, fallback, leadColumns = false, aside }: CaseListProps) {
  const { t } = useTranslation("worklist");
  const navigate = useNavigate();
  const role = project?.role;
  const [view, change] = useWorklistView(fallback);
  const [filtering, setFiltering] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const firstFilter = useRef<HTMLSelectElement>(null);
  const start = useWorklistStart(slug, view);
  const pace = usePace(slug);
  const next = useNextCase(slug);
  const { pathname, search: query } = useLocation();
  const user = useMe().data?.username ?? "";
  // Who comes back to the list that was left comes back to its row; another list begins at the top.
  const [place] = useState(() => {
    const kept = keptPlace(user, slug);
    return kept?.address === pathname + query ? kept : null;
  });
  const [at, setAt] = useState(place?.at ?? 0);
  const rowAt = useRef<(index: number) => WorkRow | undefined>(() => undefined);
  const search = useRef<HTMLInputElement>(null);
  const filter = useRef<HTMLDivElement>(null);
  const [sorting, setSorting] = useState(false);
  const total = start.data?.total ?? 0;

  // Who comes back has read a case meanwhile, however quickly: nothing of the list counts as fresh then.
  const client = useQueryClient();
  useEffect(
    () => () => void client.invalidateQueries({ queryKey: ["worklist", slug], refetchType: "none" }),
    [client, slug],
  );

  const choose = useCallback(
    (id: string) =>
      setChosen((now) => {
        const next = new Set(now);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const open = useCallback(
    (row: WorkRow | undefined) => {
      if (row) void navigate(`/p/${slug}/read/${row.id}`);
    },
    [navigate, slug],
  );
  const move = (by: number) => () => setAt((now) => Math.max(0, Math.min(total - 1, now + by)));
  useKeys({
    j: move(1),
    k: move(-1),
    arrowdown: move(1),
    arrowup: move(-1),
    pagedown: move(LEAP),
    pageup: move(-LEAP),
    home: move(-total),
    end: move(total),
    enter: () => open(rowAt.current(at)),
    "/": () => search.current?.focus(),
    f: () => filter.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus(),
    g: () => {
      flushSync(() => setFiltering(true));
      firstFilter.current?.focus();
    },
    s: () => setSorting(true),
    x: () => {
      const row = leadColumns ? rowAt.current(at) : undefined;
      if (row) choose(row.id);
    },
    escape: () => setChosen(new Set()),
    c: () => (pace.data?.continue ? open(pace.data.continue) : next.mutate()),
  });
  const show = (wanted: Partial<WorklistView>) => {
    setAt(0);
    change(wanted);
  };

  if (start.isError) {
    return (
      <div className="card">
        <ErrorState error={start.error} retry={() => void start.refetch()} />
      </div>
    );
  }
  if (start.data && start.data.counts.all === 0) return <NoCases slug={slug} isLead={role === "lead"} />;

  return (
    <div style={{ display: "flex", gap: 16, flex: 1, minHeight: 0 }}>
      <div className="grow" style={{ display: "flex", flexDirection: "column", gap: 12 }}>
        <ListControls
          view={view}
          counts={start.data?.counts}
          onChange={show}
          searchRef={search}
          filterRef={filter}
          sorting={sorting}
          onSorting={setSorting}
          filtering={filtering || isFiltered(view)}
          onFiltering={() => {
            if (isFiltered(view)) show(NO_FILTERS);
            setFiltering((now) => !(now || isFiltered(view)));
          }}
          searchLabel={t(role === "lead" ? "searchLead" : "search")}
        />
        {project && (filtering || isFiltered(view)) ? (
          <FilterRow project={project} view={view} onChange={show} firstRef={firstFilter} />
        ) : null}
        <div className="card" style={{ flex: 1 }}>
          {start.data === undefined ? (
            <LoadingRows rows={12} />
          ) : total === 0 ? (
            <EmptyList view={view} onClear={() => show({ state: "all", search: "", ...NO_FILTERS })} />
          ) : (
            <CaseTable
              slug={slug}
              view={view}
              total={total}
              at={at}
              place={place}
              user={user}
              address={pathname + query}
              onPoint={setAt}
              onOpen={open}
              rowAt={rowAt}
              leadColumns={leadColumns}
              chosen={chosen}
              onChoose={choose}
            />
          )}
          {chosen.size > 0 ? (
            <HandOverBar slug={slug} chosen={chosen} onDone={() => setChosen(new Set())} />
          ) : (
            <WorklistFoot total={start.data?.total} state={view.state} />
          )}
        </div>
      </div>
      {aside}
    </div>
  );
}

function EmptyList({ view, onClear }: { view: WorklistView; onClear: () => void }) {
  const { t } = useTranslation("worklist");
  const text = isFiltered(view)
    ? t("empty.filtered")
    : view.search
      ? t("empty.search", { text: view.search, state: t(`state.${view.state}`) })
      : t(`empty.${view.state}`);
  return (
    <div className="col" style={{ alignItems: "center", justifyContent: "center", flex: 1, gap: 12 }}>
      <p className="sec">{text}</p>
      <Button dense onClick={onClear}>
        {t("empty.showAll")}
      </Button>
    </div>
  );
}
