import { IconAlertTriangle, IconCheck, IconClock, IconEye, IconX } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import { PAGE_SIZE, useImportItems } from "@/features/imports/api/imports";
import type { ImportItem, ItemState } from "@/lib/api-types";
import { bytes, DASH, middle } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Chip, type ChipTone } from "@/ui/chip";

const ROW = 42;

interface ItemTableProps {
  slug: string;
  run: string;
  state: ItemState | "";
  /** More files are to come before any of them becomes a case. */
  arriving: boolean;
  total: number;
  /** Changes whenever rows may have changed. */
  revision: number;
}

export function ItemTable({ slug, run, state, arriving, total, revision }: ItemTableProps) {
  const { t } = useTranslation("imports");
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const from = Math.floor((items[0]?.index ?? 0) / PAGE_SIZE);
  const to = Math.floor((items.at(-1)?.index ?? 0) / PAGE_SIZE);
  const pages = Array.from({ length: to - from + 1 }, (_, step) => from + step);
  const find = useImportItems(slug, run, state, pages, revision);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it, too
    <section ref={scroller} className="scroll" style={{ flex: 1 }} tabIndex={0} aria-label={t("column.file")}>
      {total === 0 ? (
        <p className="q" style={{ padding: 24, textAlign: "center" }}>
          {t("noItems")}
        </p>
      ) : (
        <table style={{ "--rh": `${ROW}px`, tableLayout: "fixed" } as React.CSSProperties}>
          <colgroup>
            <col style={{ width: "27%" }} />
            <col style={{ width: 118 }} />
            <col style={{ width: 76 }} />
            <col style={{ width: 74 }} />
            <col />
          </colgroup>
          <thead>
            <tr>
              <th>{t("column.file")}</th>
              <th>{t("column.result")}</th>
              <th>{t("column.modality")}</th>
              <th className="r">{t("column.size")}</th>
              <th>{t("column.what")}</th>
            </tr>
          </thead>
          <tbody>
            {before > 0 ? <tr aria-hidden="true" style={{ height: before }} /> : null}
            {items.map((item) => (
              <ItemRow key={item.key} item={find(item.index)} arriving={arriving} />
            ))}
            {after > 0 ? <tr aria-hidden="true" style={{ height: after }} /> : null}
          </tbody>
        </table>
      )}
    </section>
  );
}

const LOOK: Record<ItemState, [ChipTone, ReactNode]> = {
  held: ["held", <IconEye key="h" />],
  refused: ["bad", <IconX key="x" />],
  embargoed: ["warn", <IconAlertTriangle key="!" />],
  imported: ["ok", <IconCheck key="v" />],
  duplicate: ["neutral", null],
  waiting: ["neutral", <IconClock key="w" />],
  uploading: ["neutral", <IconClock key="u" />],
};

function ItemRow({ item, arriving }: { item: ImportItem | undefined; arriving: boolean }) {
  const { t } = useTranslation("imports");
  if (!item) {
    return (
      <tr aria-hidden="true">
        <td colSpan={5} />
      </tr>
    );
  }
  const [tone, icon] = LOOK[item.state];
  return (
    <tr>
      <td className="mono ell" title={item.name}>
        {middle(item.name, 26)}
      </td>
      <td>
        <Chip tone={tone} icon={icon}>
          {t(`item.${item.state}`)}
        </Chip>
      </td>
      <td className="sec">{item.modality || DASH}</td>
      <td className="r num sec">{bytes(item.size)}</td>
      <td className={`wrap sm${item.state === "refused" || item.state === "embargoed" ? "" : " sec"}`}>
        {whatHappened(item)}
      </td>
    </tr>
  );

  function whatHappened(one: ImportItem): string {
    if (one.reason) return serverWords(one.reason, t);
    if (one.case) return t("inCase", { name: one.case.name, split: one.case.split });
    return arriving && one.state === "imported" ? t("run.withOthers") : "";
  }
}
