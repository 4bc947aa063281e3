/** Says what the tool in hand will do, above the image; nothing while there is nothing to say. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Kbd } from "@/ui/kbd";
import { continued } from "../marks/point-at";
import { isBrushTool, isPointingTool } from "../state/room-ui";
import { useReading, useSession, useUi, useView } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";

export function EditBar() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const tool = useUi((state) => state.tool);
  const draft = useUi((state) => state.draft);
  const brushSize = useUi((state) => state.brushSize);
  const growRadius = useUi((state) => state.growRadius);
  const hidden = useUi((state) => state.marksHidden);
  const selected = useReading((state) => state.doc.lesions.find((lesion) => lesion.id === state.selected));
  const index = useReading((state) => state.doc.lesions.findIndex((lesion) => lesion.id === state.selected));
  useUi((state) => state.activeType);
  const unit = session.frames[0]?.spacing ? "mm" : "px";
  const allowsEllipse = !session.isReadonly && session.activeType?.allowed_marks.includes("ellipse");
  if (hidden) return <Bar text={t("edit.hidden")} keys={[["T", t("edit.show")]]} />;
  if (draft?.kind === "polygon") {
    if (draft.tool === "angle") return <Bar text={t("edit.angle")} keys={[["Esc", t("edit.cancel")]]} />;
    return (
      <Bar
        text={t("edit.polygon", { count: draft.points.length })}
        keys={[
          ["↵", t("edit.close")],
          ["⌫", t("edit.lastPoint")],
          ["Esc", t("edit.cancel")],
        ]}
      />
    );
  }
  // An outline that is open stays open when another tool is taken up: the keys that keep or drop it must stay in sight.
  if (isPointingTool(tool) || draft?.kind === "point") return <PointBar />;
  if (tool === "grow")
    return <Bar text={t("edit.grow")} keys={[["[ ]", t("edit.radius", { radius: growRadius, unit })]]} />;
  if (draft?.kind === "box" && allowsEllipse)
    return <Bar text={t("edit.box")} keys={[["Alt", t("edit.inscribed")]]} />;
  if (tool === "lasso" || tool === "scissors") {
    return <Bar text={t(`edit.${tool}`)} keys={[["Shift", t(tool === "lasso" ? "edit.cutOut" : "edit.addTo")]]} />;
  }
  if (tool === "fillHole") return <Bar text={t("edit.fillHole")} keys={[[";", t("edit.allHoles")]]} />;
  if (isBrushTool(tool)) {
    const name = session.typeOf(selected?.finding_type ?? session.activeType?.id ?? -1)?.name ?? "";
    const mask = selected?.mask ? `${index + 1} ${name}` : null;
    const text =
      tool === "eraser"
        ? mask
          ? t("edit.eraseFrom", { name: mask })
          : t("edit.erase")
        : mask
          ? t("edit.paintOn", { name: mask })
          : t("edit.paintNew", { name });
    const keys: [string, string][] = [["[ ]", t("edit.size", { size: brushSize })]];
    if (mask) keys.push(["Esc", t("edit.newMask")]);
    return (
      <Bar text={text} keys={keys}>
        {tool === "thresholdBrush" ? <RangeFields /> : null}
        {tool === "dynamicBrush" ? <span className="sec">{t("edit.dynamic")}</span> : null}
      </Bar>
    );
  }
  return null;
}

/** What is pointed at, and by whom its outline is. */
function PointBar() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const draft = useUi((state) => (state.draft?.kind === "point" ? state.draft : null));
  const growRadius = useUi((state) => state.growRadius);
  const scribbles = useUi((state) => state.tool === "scribble");
  const keyOf = useKeyOf();
  const index = useView((state) => state.shown) ?? 0;
  useReading((state) => state.selected);
  const lesion = continued({ session, index });
  const name = session.typeOf(lesion?.finding_type ?? session.activeType?.id ?? -1)?.name ?? "";
  const unit = session.frames[0]?.spacing ? "mm" : "px";
  const otherTool: [string, string][] = [
    scribbles ? [keyOf("segment"), t("edit.boxInstead")] : [keyOf("scribble"), t("edit.strokeInstead")],
  ];
  const reach: [string, string] = ["[ ]", t("edit.radius", { radius: growRadius, unit })];
  if (!draft || draft.steps.length === 0) {
    const alone = session.room.arm !== "assisted" || session.room.first_look;
    return (
      <Bar
        text={t(lesion ? "edit.pointMore" : "edit.pointNew", { name })}
        keys={alone ? [...otherTool, reach] : otherTool}
      >
        <span className="sec">{t(scribbles ? "edit.scribbleHow" : "edit.pointHow")}</span>
        {alone ? <span className="sec">{t("edit.without.blinded")}</span> : null}
      </Bar>
    );
  }
  const outline = draft.steps.at(-1)?.outline;
  const keys: [string, string][] = [
    ["↵", t("edit.keep")],
    ["Alt", t("edit.beside")],
    ["Ctrl Z", t("edit.lastClick")],
    ["Esc", t("edit.drop")],
  ];
  if (!outline) return <Bar text={t("edit.outlining")} keys={keys.slice(1)} />;
  const by = outline.generic
    ? t("edit.byGeneric")
    : outline.version === null
      ? t(`edit.without.${outline.why}`)
      : t("edit.byModel", { version: outline.version });
  return (
    <Bar text={outline.grid ? by : t("edit.nothingThere")} keys={outline.grid ? keys : keys.slice(1)}>
      {outline.grid ? null : <span className="sec">{by}</span>}
    </Bar>
  );
}

/** What the threshold brush takes, in the image's values. */
function RangeFields() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const own = useUi((state) => state.range);
  const window = useView((state) => state.window);
  const range = own ?? {
    low: Math.round((window?.centre ?? 0) - (window?.width ?? 0) / 2),
    high: Math.round((window?.centre ?? 0) + (window?.width ?? 0) / 2),
  };
  const field = (side: "low" | "high") => (
    <input
      className="in d rr-range-field num"
      type="number"
      aria-label={t(`edit.${side}`)}
      value={range[side]}
      onChange={(event) => {
        const value = event.target.valueAsNumber;
        if (Number.isFinite(value)) session.ui.setState({ range: { ...range, [side]: value } });
      }}
    />
  );
  return (
    <span className="row" style={{ gap: 6 }}>
      {field("low")}–{field("high")}
      {session.room.case.modality === "CT" ? <span className="sec">HU</span> : null}
    </span>
  );
}

function Bar({ text, keys, children }: { text: string; keys: [string, string][]; children?: ReactNode }) {
  return (
    <div className="rr-editbar" role="status">
      <span>{text}</span>
      {children}
      {keys.map(([key, does]) => (
        <span key={key} className="row" style={{ gap: 5 }}>
          <Kbd>{key}</Kbd>
          <span className="sec">{does}</span>
        </span>
      ))}
    </div>
  );
}
