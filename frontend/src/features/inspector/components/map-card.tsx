import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Seen, SeenLayer } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Card } from "@/ui/card";
import { type Arrays, filled, meansByMask, valueAt } from "../state/arrays";
import { MapCanvas } from "./map-canvas";
import { placeOf } from "./map-tile";

interface MapCardProps {
  seen: Seen;
  layer: SeenLayer;
  name: string;
  index: number;
  arrays: Arrays;
  /** The chosen lesion in the network's grid. */
  mask: Uint8Array | null;
  at: [row: number, column: number];
  onPoint: (row: number, column: number) => void;
}

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The chosen map large: the pointer or the arrow keys walk over its values. */
export function MapCard({ seen, layer, name, index, arrays, mask, at, onPoint }: MapCardProps) {
  const { t } = useTranslation("inspector");
  const { size, content } = seen.input;
  const map = arrays.map(layer.maps, index);
  const { rows, columns } = filled(map, size, content);
  const [row, column] = [Math.min(rows - 1, at[0]), Math.min(columns - 1, at[1])];
  const means = mask ? meansByMask(map, mask, size, content) : null;
  const walk = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const far = event.shiftKey ? 8 : 1;
    onPoint(clamp(row + step[0] * far, rows), clamp(column + step[1] * far, columns));
  };
  return (
    <Card title={t("map.title", { n: layer.maps.kept[index] })} note={name}>
      <div
        className="ins-large"
        style={{ aspectRatio: `${content[1]} / ${content[0]}`, maxWidth: (260 * content[1]) / content[0] }}
        role="application"
        aria-label={t("map.walk")}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its values are walked over with the arrow keys
        tabIndex={0}
        onKeyDown={walk}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          onPoint(
            placeOf(event.clientY - box.top, box.height, rows),
            placeOf(event.clientX - box.left, box.width, columns),
          );
        }}
      >
        <MapCanvas map={map} size={size} content={content} smooth={map.rows > 128} />
        <svg viewBox={`0 0 ${columns} ${rows}`} preserveAspectRatio="none" aria-hidden="true">
          <rect className="ins-square h" x={column} y={row} width={1} height={1} />
          <rect className="ins-square" x={column} y={row} width={1} height={1} />
        </svg>
      </div>
      <dl className="kv num" style={{ marginTop: 12 }} aria-live="polite">
        <dt>{t("map.here", { row, column })}</dt>
        <dd data-testid="value">{decimal(valueAt(map, row, column))}</dd>
        <dt>{t("map.range")}</dt>
        <dd>{`${decimal(map.low)} … ${decimal(map.high)}`}</dd>
        <dt>{t("map.strength")}</dt>
        <dd>{decimal(layer.maps.strengths[index] ?? 0)}</dd>
        {means ? (
          <>
            <dt>{t("map.lesion")}</dt>
            <dd>{`${decimal(means.inside)} : ${decimal(means.outside)}`}</dd>
          </>
        ) : null}
        <dt>{t("map.sees")}</dt>
        <dd>
          {layer.sees
            ? t("map.seesSize", { rows: count(layer.sees[0]), columns: count(layer.sees[1]) })
            : t("layers.unknown")}
        </dd>
      </dl>
    </Card>
  );
}

function clamp(value: number, count: number): number {
  return Math.max(0, Math.min(count - 1, value));
}
