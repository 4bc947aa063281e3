import { type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Blanked } from "@/features/quarantine/components/blanked";
import { between, type Size } from "@/features/quarantine/state/rectangles";
import type { Rectangle } from "@/lib/api-types";

interface MaskBoardProps {
  file: Size & { name: string };
  source: string;
  rectangles: Rectangle[];
  /** Absent where rectangles mean nothing. */
  onDraw?: (rectangle: Rectangle) => void;
}

/** An image with what is to be blanked over it; a drag draws a rectangle, in pixels of the image. */
export function MaskBoard({ file, source, rectangles, onDraw }: MaskBoardProps) {
  const { t } = useTranslation("quarantine");
  const board = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<{ from: [number, number]; to: [number, number] }>();
  const [isGone, setGone] = useState(false);
  const { rows, columns } = file;

  const at = (event: PointerEvent): [number, number] => {
    const box = board.current?.getBoundingClientRect();
    if (!box) return [0, 0];
    return [((event.clientX - box.left) / box.width) * columns, ((event.clientY - box.top) / box.height) * rows];
  };
  const drawn = drag ? between(drag.from, drag.to, file) : null;

  if (isGone) return <p className="q sm">{t("gone")}</p>;
  return (
    <div
      style={{
        position: "relative",
        aspectRatio: `${columns} / ${rows}`,
        maxWidth: "100%",
        maxHeight: "100%",
        width: `min(100%, calc((100vh - 330px) * ${columns / rows}))`,
        margin: "0 auto",
        background: "#000",
      }}
    >
      <img
        src={source}
        alt={t("picture", { name: file.name || t("unnamed") })}
        draggable={false}
        onError={() => setGone(true)}
        style={{
          width: "100%",
          height: "100%",
          display: "block",
          imageRendering: columns < 400 ? "pixelated" : "auto",
        }}
      />
      <svg
        ref={board}
        viewBox={`0 0 ${columns} ${rows}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        style={{
          position: "absolute",
          inset: 0,
          width: "100%",
          height: "100%",
          cursor: onDraw ? "crosshair" : "default",
          touchAction: "none",
        }}
        onPointerDown={(event) => {
          if (event.button !== 0 || !onDraw) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ from: at(event), to: at(event) });
        }}
        onPointerMove={(event) => drag && setDrag({ from: drag.from, to: at(event) })}
        onPointerUp={() => {
          if (drawn) onDraw?.(drawn);
          setDrag(undefined);
        }}
        onPointerCancel={() => setDrag(undefined)}
      >
        <Blanked rectangles={[...rectangles, ...(drawn ? [drawn] : [])]} />
      </svg>
    </div>
  );
}
