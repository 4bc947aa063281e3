import { type ByteMap, filled } from "../state/arrays";
import { MapCanvas } from "./map-canvas";

interface MapTileProps {
  map: ByteMap;
  size: number;
  content: [number, number];
  label: string;
  on: boolean;
  onChoose: () => void;
  onPoint: (row: number, column: number) => void;
  onLeave: () => void;
}

/** A small map: a press shows it large, the pointer over it asks what the value under it sees. */
export function MapTile({ map, size, content, label, on, onChoose, onPoint, onLeave }: MapTileProps) {
  return (
    <button
      type="button"
      className={`thumb-t ins-tile${on ? " on" : ""}`}
      style={{ aspectRatio: `${content[1]} / ${content[0]}` }}
      aria-label={label}
      aria-pressed={on}
      title={label}
      onClick={onChoose}
      onPointerLeave={onLeave}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const { rows, columns } = filled(map, size, content);
        onPoint(
          placeOf(event.clientY - box.top, box.height, rows),
          placeOf(event.clientX - box.left, box.width, columns),
        );
      }}
    >
      <MapCanvas map={map} size={size} content={content} smooth={map.rows > 48} />
    </button>
  );
}

export function placeOf(offset: number, extent: number, count: number): number {
  return Math.max(0, Math.min(count - 1, Math.floor((offset / extent) * count)));
}
