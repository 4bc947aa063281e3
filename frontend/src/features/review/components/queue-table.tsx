import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { QueueRow } from "@/features/review/components/queue-row";
import { wayTo } from "@/features/review/state/way-to";
import type { ReviewRow, ReviewState } from "@/lib/api-types";
import { LoadingRows } from "@/ui/loading-rows";

const ROW = 50;
/** So many rows before the end the next page is asked for. */
const AHEAD = 15;

interface QueueTableProps {
  slug: string;
  rows: ReviewRow[];
  state: ReviewState;
  reader: string;
  at: number;
  /** More are on the server. */
  hasMore: boolean;
  onMore: () => void;
  onPoint: (index: number) => void;
  onOpen: (way: string | null) => void;
  /** How far the list is scrolled, for whoever comes back to it. */
  top: { current: number };
}

/** Rows of 50 px; only those in sight exist. */
export function QueueTable(props: QueueTableProps) {
  const { slug, rows, state, reader, at, hasMore, onMore, onPoint, onOpen, top } = props;
  const { t } = useTranslation("review");
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    scrollPaddingStart: 34,
    initialOffset: top.current,
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= rows.length - AHEAD) onMore();
  }, [hasMore, last, rows.length, onMore]);
  // Another list begins at its first row.
  const shown = `${state} ${reader}`;
  const wasShown = useRef(shown);
  useLayoutEffect(() => {
    if (wasShown.current !== shown) virtual.scrollToOffset(0);
    wasShown.current = shown;
  }, [shown, virtual]);
  useEffect(() => {
    virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);
  useEffect(() => {
    top.current = virtual.scrollOffset ?? 0;
  });
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too
    <section ref={scroller} className="scroll rv-list" style={{ flex: 1 }} tabIndex={0} aria-label={t("title")}>
      <table style={{ "--rh": `${ROW}px`, tableLayout: "fixed" } as React.CSSProperties}>
        <colgroup>
          <col style={{ width: 84 }} />
          <col style={{ width: 112 }} />
          <col className="rv-reader" />
          <col className="rv-verdict" />
          <col style={{ width: 118 }} />
          <col style={{ width: 118 }} />
          <col />
        </colgroup>
        <thead>
          <tr>
            <th>
              <span className="visually-hidden">{t("column.image")}</span>
            </th>
            <th>{t("column.case")}</th>
            <th>{t("column.reader")}</th>
            <th>{t("column.found")}</th>
            <th>{t("column.arm")}</th>
            <th>{t(state === "waiting" ? "column.submitted" : "column.decided")}</th>
            <th>{t("column.state")}</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr aria-hidden="true" style={{ height: before }} /> : null}
          {items.map((item) => {
            const row = rows[item.index];
            return row ? (
              <QueueRow
                key={row.reading}
                row={row}
                index={item.index}
                way={wayTo(slug, row, reader)}
                time={(state === "waiting" ? row.submitted_at : row.review?.decided_at) ?? null}
                isPointed={item.index === at}
                onPoint={onPoint}
                onOpen={onOpen}
              />
            ) : null;
          })}
          {after > 0 ? <tr aria-hidden="true" style={{ height: after }} /> : null}
        </tbody>
      </table>
      {hasMore ? <LoadingRows rows={2} /> : null}
    </section>
  );
}
