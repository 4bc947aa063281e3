import { IconUser } from "@tabler/icons-react";
import type { RefObject } from "react";
import { useTranslation } from "react-i18next";
import type { QueueView } from "@/features/review/api/reviews";
import { STATES } from "@/features/review/state/queue-view";
import type { ReadBy, ReviewState } from "@/lib/api-types";
import { Counted } from "@/ui/counted";
import { Kbd } from "@/ui/kbd";
import { Segmented } from "@/ui/segmented";

interface QueueControlsProps {
  view: QueueView;
  counts: Record<ReviewState, number> | undefined;
  readers: ReadBy[];
  onChange: (change: Partial<QueueView>) => void;
  statesRef: RefObject<HTMLDivElement | null>;
  readerRef: RefObject<HTMLSelectElement | null>;
}

/** Which part of the queue, and whose readings. */
export function QueueControls({ view, counts, readers, onChange, statesRef, readerRef }: QueueControlsProps) {
  const { t } = useTranslation("review");
  // A reader chosen in the address stays choosable while the list is on its way, and when he has nothing here.
  const isKnown = !view.reader || readers.some(({ username }) => username === view.reader);
  return (
    <div className="row wl-controls">
      <div ref={statesRef}>
        <Segmented
          label={t("column.state")}
          value={view.state}
          onChange={(state) => onChange({ state })}
          options={STATES.map((state) => ({
            value: state,
            label: <Counted word={t(`state.${state}`)} n={counts?.[state]} />,
          }))}
        />
      </div>
      <span className="grow" />
      <label className={`in rv-readers${view.reader ? " on" : ""}`}>
        <IconUser size={16} stroke={1.6} />
        <span className="visually-hidden">{t("column.reader")}</span>
        <select
          ref={readerRef}
          value={view.reader}
          onChange={(event) => onChange({ reader: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        >
          <option value="">{t("allReaders")}</option>
          {isKnown ? null : <option value={view.reader}>{view.reader}</option>}
          {readers.map(({ username, name }) => (
            <option key={username} value={username}>
              {name}
            </option>
          ))}
        </select>
        <Kbd>G</Kbd>
      </label>
    </div>
  );
}
