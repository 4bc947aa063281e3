/** The panes of the middle: the case being read in one of them, other images of the patient in the rest. */
import { IconPhotoPlus } from "@tabler/icons-react";
import { type CSSProperties, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { activate, besideOf, show } from "../state/arrange";
import { type Cells, columnsOf, type Layout } from "../state/arrangement";
import { useDisplay, useSession, useView } from "../state/session-context";
import { DRAGGED, hasImages } from "./dragged";
import { SidePane } from "./side-pane";

const COUNT: Record<Layout, number> = { "1x1": 1, mpr: 1, "1x2": 2, "2x2": 4 };

/** `children`: the viewport of the case; it is moved by its place alone and never mounted anew. */
export function Panes({ children }: { children: ReactNode }) {
  const session = useSession();
  const own = session.room.case.id;
  const layout = useDisplay((state) => state.layout);
  const held = useDisplay((state) => state.cells);
  const ready = useView((state) => state.shown !== null);
  const related = useDisplay((state) => state.related);
  const count = COUNT[layout];
  const cells: Cells = [...held, ...Array<null>(count).fill(null)].slice(0, count);
  const shown = cells.includes(own) ? cells : [own, ...cells.slice(1)];
  const columns = columnsOf(layout);
  const known = new Map(besideOf(session).map((one) => [one.images.id, one]));
  return (
    <div className="rr-panes" data-layout={layout}>
      <Cell at={shown.indexOf(own)} columns={columns} id={own} alone={count === 1} isCase>
        {children}
      </Cell>
      {shown.map((id, at) => {
        if (id === own) return null;
        const beside = id === null ? undefined : known.get(id);
        return (
          <Cell key={id ?? `empty ${at}`} at={at} columns={columns} id={id} alone={false}>
            {beside && ready ? <SidePane beside={beside} /> : <Empty waits={!related || Boolean(beside)} />}
          </Cell>
        );
      })}
    </div>
  );
}

interface CellProps {
  at: number;
  columns: number;
  id: string | null;
  /** The only pane: it needs no frame. */
  alone: boolean;
  isCase?: boolean;
  children: ReactNode;
}

/** One place of the grid: takes what is dropped on it, and the keys once it is touched. */
function Cell({ at, columns, id, alone, isCase, children }: CellProps) {
  const session = useSession();
  const isActive = useDisplay((state) => state.active === id);
  const [over, setOver] = useState(false);
  const style: CSSProperties = { gridRow: Math.floor(at / columns) + 1, gridColumn: (at % columns) + 1 };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: every act here has a key and a button in the left panel
    <div
      className={`rr-cell${isActive && !alone ? " active" : ""}${over ? " over" : ""}`}
      style={style}
      data-testid={isCase ? "pane-case" : "pane"}
      data-case={id ?? ""}
      onPointerDownCapture={() => {
        if (id !== null) activate(session, id);
      }}
      onDragOver={(event) => {
        if (!hasImages(event.dataTransfer)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const dropped = event.dataTransfer.getData(DRAGGED);
        if (!dropped) return;
        event.preventDefault();
        show(session, dropped, at);
      }}
    >
      {children}
    </div>
  );
}

function Empty({ waits }: { waits: boolean }) {
  const { t } = useTranslation("reading");
  return (
    <div className="rr-empty">
      {waits ? null : (
        <>
          <IconPhotoPlus size={22} stroke={1.4} />
          <span>{t("panes.empty")}</span>
        </>
      )}
    </div>
  );
}
