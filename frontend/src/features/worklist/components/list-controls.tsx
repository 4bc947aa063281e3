import { useDebouncedCallback } from "@mantine/hooks";
import { IconCheck, IconFilter, IconSearch, IconSortDescending, IconX } from "@tabler/icons-react";
import { type RefObject, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { WorklistView } from "@/features/worklist/api/worklist";
import { FILTERS, ORDERS } from "@/features/worklist/worklist-view";
import type { WorkFilter } from "@/lib/api-types";
import { Counted } from "@/ui/counted";
import { Kbd } from "@/ui/kbd";
import { Menu, MenuItem } from "@/ui/menu";
import { Segmented } from "@/ui/segmented";

interface ListControlsProps {
  view: WorklistView;
  counts: Record<WorkFilter, number> | undefined;
  onChange: (change: Partial<WorklistView>) => void;
  searchRef: RefObject<HTMLInputElement | null>;
  filterRef: RefObject<HTMLDivElement | null>;
  sorting: boolean;
  onSorting: (open: boolean) => void;
  /** Whether the row of filters is shown. */
  filtering: boolean;
  onFiltering: () => void;
  /** What the search looks through, as its placeholder says it. */
  searchLabel: string;
}

export function ListControls({
  view,
  counts,
  onChange,
  searchRef,
  filterRef,
  sorting,
  onSorting,
  filtering,
  onFiltering,
  searchLabel,
}: ListControlsProps) {
  const { t } = useTranslation("worklist");
  return (
    <div className="row wl-controls">
      <SearchField
        label={searchLabel}
        value={view.search}
        onChange={(search) => onChange({ search })}
        inputRef={searchRef}
      />
      <div ref={filterRef}>
        <Segmented
          label={t("status")}
          value={view.state}
          onChange={(state) => onChange({ state })}
          options={FILTERS.map((state) => ({
            value: state,
            label: <Counted word={t(`state.${state}`)} n={counts?.[state]} />,
          }))}
        />
      </div>
      <span className="grow" />
      <button type="button" className="btn" aria-expanded={filtering} onClick={onFiltering}>
        <IconFilter size={16} stroke={1.6} />
        {t("filter.button")}
        <Kbd>G</Kbd>
      </button>
      <Menu
        width={200}
        align="end"
        opened={sorting}
        onOpenedChange={onSorting}
        trigger={(props) => (
          <button type="button" className="btn" {...props}>
            <IconSortDescending size={16} stroke={1.6} />
            {t(`order.${view.order}`)}
            <Kbd>S</Kbd>
          </button>
        )}
      >
        {ORDERS.map((order) => (
          <MenuItem
            key={order}
            onClick={() => onChange({ order })}
            right={order === view.order ? <IconCheck size={14} /> : null}
          >
            {t(`order.${order}`)}
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}

interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
  inputRef: RefObject<HTMLInputElement | null>;
}

function SearchField({ label, value, onChange, inputRef }: SearchFieldProps) {
  const { t } = useTranslation("worklist");
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const later = useDebouncedCallback(onChange, 250);
  const clear = () => {
    setText("");
    onChange("");
  };
  return (
    <div className="in wl-search">
      <IconSearch size={14} stroke={1.6} color="var(--n8)" />
      <input
        ref={inputRef}
        value={text}
        placeholder={label}
        aria-label={label}
        onChange={(event) => {
          setText(event.currentTarget.value);
          later(event.currentTarget.value.trim());
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (text) clear();
          event.currentTarget.blur();
        }}
      />
      {text ? (
        <button
          type="button"
          className="tool"
          style={{ width: 24, height: 24, margin: -4 }}
          aria-label={t("clear")}
          onClick={clear}
        >
          <IconX size={14} stroke={1.6} />
        </button>
      ) : (
        <Kbd>/</Kbd>
      )}
    </div>
  );
}
