/** The words at the corners and edges of the image. `O` hides all but the banner. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { decimal } from "@/lib/format";
import { type Point3, zoomAlongRow, zoomOf } from "@/lib/imaging/coordinates";
import { edgeLetters } from "@/lib/imaging/orientation";
import { useDisplay, useHover, usePaneView, useSession, useUi, useView } from "../state/session-context";

export function Overlays() {
  const shown = useUi((state) => state.overlays);
  const drawn = useView((state) => state.shown);
  return (
    <>
      {shown && drawn !== null ? (
        <>
          <Series />
          <Position />
          <Display />
          <ScaleBar />
          <Letters />
        </>
      ) : null}
      <Banner />
    </>
  );
}

/** The same of a pane beside the case, under a title of its own. */
export function PaneOverlays({ children }: { children: ReactNode }) {
  const shown = useUi((state) => state.overlays);
  const drawn = useView((state) => state.shown);
  return (
    <>
      {children}
      {shown && drawn !== null ? (
        <>
          <Position />
          <Display />
          <ScaleBar />
          <Letters />
        </>
      ) : null}
    </>
  );
}

function Banner() {
  const { t } = useTranslation("reading");
  const { room } = useSession();
  return <span className="banner-nd">{room.case.synthetic ? t("synthetic") : t("notForDiagnosis")}</span>;
}

function Series() {
  const { t } = useTranslation("reading");
  const { room, frames } = useSession();
  const index = useView((state) => state.shown) ?? 0;
  const { protocol, body_part, study_description } = room.case.context;
  const related = useDisplay((state) => state.related);
  const look = [related?.laterality, related?.view].filter(Boolean).join(" ");
  const title = [look, protocol || study_description, body_part].filter(Boolean).join(" · ");
  const frame = frames[index];
  return (
    <div className="ov rr-title" style={{ left: 12, top: 10 }}>
      {title || room.case.name}
      <br />
      <span className="q">
        {t(`modality.${room.case.modality}`, { defaultValue: room.case.modality })}
        {frame ? ` · ${frame.columns} × ${frame.rows}` : ""}
      </span>
    </div>
  );
}

function Position() {
  const { t } = useTranslation("reading");
  const frames = useView((state) => state.frames);
  const index = useView((state) => state.shown) ?? 0;
  const placement = useView((state) => state.placement);
  const frame = frames[index];
  const place = placement?.position ? positionAlong(placement) : null;
  return (
    <div className="ov r" style={{ right: 12, top: 10 }}>
      {t(frames.length > 1 ? "slice" : "image")} <b>{index + 1}</b> / {frames.length}
      <br />
      <span className="q">
        {place ? `${place.axis} ${decimal(place.mm, 1)} mm` : frame?.spacing ? "" : t("noSpacing")}
      </span>
    </div>
  );
}

/** The patient coordinate along which the slices lie. */
function positionAlong(placement: {
  alongRow: Point3 | null;
  downColumn: Point3 | null;
  position: Point3 | null;
}): { axis: string; mm: number } | null {
  const { alongRow: u, downColumn: v, position } = placement;
  if (!u || !v || !position) return null;
  const normal = [
    Math.abs(u[1] * v[2] - u[2] * v[1]),
    Math.abs(u[2] * v[0] - u[0] * v[2]),
    Math.abs(u[0] * v[1] - u[1] * v[0]),
  ];
  const axis = normal.indexOf(Math.max(...normal)) as 0 | 1 | 2;
  return { axis: "xyz"[axis] as string, mm: position[axis] };
}

function Display() {
  const { t } = useTranslation("reading");
  const view = usePaneView();
  const at = useHover();
  const window = useView((state) => state.window);
  const preset = useView((state) => state.preset);
  const explanation = useView((state) => state.explanation);
  const unit = useView((state) => state.unit);
  const toCanvas = useView((state) => state.toCanvas);
  const values = at ? view.valueAt(at) : null;
  const value = values
    ? values.length === 3
      ? `RGB ${values.join(", ")}`
      : unit
        ? `${short(values[0] as number)} ${unit}`
        : t("grey", { value: short(values[0] as number) })
    : "";
  const width = window?.width ?? 0;
  return (
    <div className="ov num" style={{ left: 12, bottom: 10 }}>
      <span className="q" data-testid="value">
        {at && value ? `${value} · ${decimal(at[0], 1)}, ${decimal(at[1], 1)}` : "\u00a0"}
      </span>
      <br />
      {window ? (
        <span data-testid="window">
          W {short(width, width)}&ensp;L {short(window.centre, width)}{" "}
          {preset ? <span className="q">{explanation || t(`preset.${preset}`)}</span> : null}
        </span>
      ) : null}
      &ensp;{toCanvas ? `${decimal(zoomOf(toCanvas), zoomOf(toCanvas) < 1 ? 2 : 1)}×` : ""}
    </div>
  );
}

/** Whole numbers as they are, others to three figures of the scale that they are read on. */
function short(value: number, scale = value): string {
  const size = Math.abs(scale);
  if (size >= 100 || (scale === value && Number.isInteger(value))) return decimal(value, 0);
  if (size === 0) return decimal(value, 2);
  const places = Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(size))));
  return decimal(value, Number.isInteger(value) && size >= 1 ? 0 : places);
}

const LENGTHS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200];
const LONGEST_PX = 190;

function ScaleBar() {
  const frames = useView((state) => state.frames);
  const index = useView((state) => state.shown) ?? 0;
  const toCanvas = useView((state) => state.toCanvas);
  const spacing = frames[index]?.spacing;
  if (!spacing || !toCanvas) return null;
  const perMm = zoomAlongRow(toCanvas) / spacing[1];
  const mm = LENGTHS.filter((length) => length * perMm <= LONGEST_PX).at(-1) ?? LENGTHS[0];
  if (!mm) return null;
  const width = Math.max(2, Math.round(mm * perMm));
  const d = `M.75 0V7.25H${width - 0.75}V0`;
  return (
    <div className="ov" style={{ right: 12, bottom: 10 }}>
      <div style={{ textAlign: "center" }}>{mm} mm</div>
      <svg width={width} height="8" style={{ display: "block" }} aria-hidden="true">
        <path d={d} fill="none" stroke="#000" strokeWidth="3.5" opacity=".6" />
        <path d={d} fill="none" stroke="#e2e2e2" strokeWidth="1.5" />
      </svg>
    </div>
  );
}

function Letters() {
  const placement = useView((state) => state.placement);
  const toCanvas = useView((state) => state.toCanvas);
  const letters = placement && toCanvas ? edgeLetters(placement, toCanvas) : null;
  if (!letters) return null;
  return (
    <>
      <span className="ori" style={{ left: 12, top: "50%" }}>
        {letters.left}
      </span>
      <span className="ori" style={{ right: 12, top: "50%" }}>
        {letters.right}
      </span>
      <span className="ori" style={{ left: "50%", top: 8 }}>
        {letters.top}
      </span>
      <span className="ori" style={{ left: "50%", bottom: 40 }}>
        {letters.bottom}
      </span>
    </>
  );
}
