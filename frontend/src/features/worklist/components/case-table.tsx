import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { PAGE_SIZE, useWorklistRows, type WorklistView } from "@/features/worklist/api/worklist";
import { CaseRow } from "@/features/worklist/components/case-row";
import type { WorkRow } from "@/lib/api-types";
import { keepPlace, type ListPlace } from "@/lib/list-place";

const ROW = 50;

interface CaseTableProps {
  slug: string;
  view: WorklistView;
  total: number;
  at: number;
  /** Where this list was left; it begins there. */
  place: ListPlace | null;
  user: string;
  address: string;
  onPoint: (index: number) => void;
  onOpen: (row: WorkRow) => void;
  /** Filled with the way from index to row, for the page's keys. */
  rowAt: RefObject<(index: number) => WorkRow | undefined>;
  leadColumns: boolean;
  /** Cases that the lead has chosen to hand over. */
  chosen: ReadonlySet<string>;
  onChoose: (id: string) => void;
}

/** Rows of 50 px; only those in sight exist, so ten thousand cases scroll as ten. */
export function CaseTable(props: CaseTableProps) {
  const { slug, view, total, at, place, user, address, onPoint, onOpen, rowAt, leadColumns, chosen, onChoose } =
    props;
  const { t } = useTranslation("worklist");
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    scrollPaddingStart: 34,
    initialOffset: place?.top ?? 0,
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const pages = range(Math.floor(first / PAGE_SIZE), Math.floor(last / PAGE_SIZE));
  const find = useWorklistRows(slug, view, pages);
  useEffect(() => {
    rowAt.current = find;
  });
  // Before the list of another state, order or search is painted, it stands at its first row.
  const shown = JSON.stringify(view);
  const wasShown = useRef(shown);
  useLayoutEffect(() => {
    if (wasShown.current !== shown) virtual.scrollToOffset(0);
    wasShown.current = shown;
  }, [shown, virtual]);
  useEffect(() => {
    virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);
  useCaseAgain(place, shown, at, items, find, onPoint);
  usePlaceKept(user, slug, () => ({ address, at, id: find(at)?.id ?? null, top: virtual.scrollOffset ?? 0 }));

  const className = `scroll wl-list${leadColumns ? " lead" : ""}`;
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too
    <section ref={scroller} className={className} style={{ flex: 1 }} tabIndex={0} aria-label={t("column.case")}>
      <table style={{ "--rh": `${ROW}px`, tableLayout: "fixed" } as React.CSSProperties}>
        {leadColumns ? <LeadColumns /> : <ReaderColumns />}
        <thead>
          <tr>
            <th>
              <span className="visually-hidden">{t("column.image")}</span>
            </th>
            <th>{t("column.case")}</th>
            {leadColumns ? (
              <>
                <th>{t("column.file")}</th>
                <th>{t("column.split")}</th>
                <th>{t("column.arm")}</th>
                <th>{t("column.reader")}</th>
              </>
            ) : null}
            <th>{t("column.status")}</th>
            {leadColumns ? null : <th>{t("column.why")}</th>}
            <th>{t(leadColumns ? "order.score" : "column.model")}</th>
            <th className="wl-own">{t("column.note")}</th>
            <th className="r wl-own">{t("column.changed")}</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr aria-hidden="true" style={{ height: before }} /> : null}
          {items.map((item) => (
            <CaseRow
              key={item.key}
              row={find(item.index)}
              index={item.index}
              slug={slug}
              isPointed={item.index === at}
              leadColumns={leadColumns}
              isChosen={chosen.has(find(item.index)?.id ?? "")}
              onChoose={onChoose}
              onPoint={onPoint}
              onOpen={onOpen}
            />
          ))}
          {after > 0 ? <tr aria-hidden="true" style={{ height: after }} /> : null}
        </tbody>
      </table>
    </section>
  );
}

/** Cases that were read meanwhile have left the rows above: the one that was opened is pointed at where it stands now. */
function useCaseAgain(
  place: ListPlace | null,
  shown: string,
  at: number,
  items: { index: number }[],
  find: (index: number) => WorkRow | undefined,
  onPoint: (index: number) => void,
): void {
  const sought = useRef(place);
  const first = useRef(shown);
  useEffect(() => {
    const wanted = sought.current;
    if (!wanted) return;
    if (first.current !== shown || at !== wanted.at) sought.current = null;
    else if (find(at)) {
      sought.current = null;
      const found = items.find(({ index }) => find(index)?.id === wanted.id);
      if (found) onPoint(found.index);
    }
  });
}

/** Note the place whenever the list is left, by a link, a key or by closing the page. */
function usePlaceKept(user: string, slug: string, placeNow: () => ListPlace): void {
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

function ReaderColumns() {
  return (
    <colgroup>
      <col style={{ width: 84 }} />
      <col style={{ width: 96 }} />
      <col style={{ width: 116 }} />
      <col />
      <col style={{ width: 186 }} />
      <col style={{ width: "17%" }} />
      <col style={{ width: 106 }} />
    </colgroup>
  );
}

function LeadColumns() {
  return (
    <colgroup>
      <col style={{ width: 112 }} />
      <col style={{ width: 96 }} />
      <col />
      <col style={{ width: 106 }} />
      <col style={{ width: 104 }} />
      <col style={{ width: 130 }} />
      <col style={{ width: 108 }} />
      <col style={{ width: 104 }} />
      <col className="wl-own" style={{ width: "12%" }} />
      <col className="wl-own" style={{ width: 84 }} />
    </colgroup>
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}
