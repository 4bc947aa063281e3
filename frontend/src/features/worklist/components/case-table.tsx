import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { PAGE_SIZE, useWorklistRows, type WorklistView } from "@/features/worklist/api/worklist";
import { CaseRow } from "@/features/worklist/components/case-row";
import type { WorkRow } from "@/lib/api-types";

const ROW = 50;

interface CaseTableProps {
  slug: string;
  view: WorklistView;
  total: number;
  at: number;
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
  const { slug, view, total, at, onPoint, onOpen, rowAt, leadColumns, chosen, onChoose } = props;
  const { t } = useTranslation("worklist");
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    scrollPaddingStart: 34,
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
  useEffect(() => {
    virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);

  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too
    <section ref={scroller} className="scroll" style={{ flex: 1 }} tabIndex={0} aria-label={t("column.case")}>
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
            <th>{t("column.note")}</th>
            <th className="r">{t("column.changed")}</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr aria-hidden="true" style={{ height: before }} /> : null}
          {items.map((item) => (
            <CaseRow
              key={item.key}
              row={find(item.index)}
              isPointed={item.index === at}
              leadColumns={leadColumns}
              chosen={chosen}
              onChoose={onChoose}
              onPoint={() => onPoint(item.index)}
              onOpen={onOpen}
              href={(row) => `/p/${slug}/read/${row.id}`}
            />
          ))}
          {after > 0 ? <tr aria-hidden="true" style={{ height: after }} /> : null}
        </tbody>
      </table>
    </section>
  );
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
      <col style={{ width: "12%" }} />
      <col style={{ width: 84 }} />
    </colgroup>
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}
