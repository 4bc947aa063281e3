import { useEffect, useRef } from "react";
import { type ByteMap, filled } from "../state/arrays";
import { inferno } from "../state/shades";

interface MapCanvasProps {
  map: ByteMap;
  /** Side of the network's square grid, and the rows and columns of it that the image fills. */
  size: number;
  content: [number, number];
  /** Saliency instead of grey: nothing where it is 0. */
  saliency?: boolean;
  /** The whole square, also what the image leaves empty. */
  whole?: boolean;
  smooth?: boolean;
}

/** A map, one pixel a value, stretched to its place. */
export function MapCanvas({ map, size, content, saliency, whole, smooth }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { rows, columns } = whole ? map : filled(map, size, content);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(columns, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = map.bytes[row * map.columns + column] ?? 0;
        const at = 4 * (row * columns + column);
        const [red, green, blue] = saliency ? inferno(value / 255) : [value, value, value];
        image.data[at] = red;
        image.data[at + 1] = green;
        image.data[at + 2] = blue;
        // Faint saliency is faint: the image stays visible where the answer does not rest on it.
        image.data[at + 3] = saliency ? Math.round(Math.min(1, (value / 255) * 1.6) * 255) : 255;
      }
    }
    context.putImageData(image, 0, 0);
  }, [map, rows, columns, saliency]);
  return (
    <canvas
      ref={canvas}
      width={columns}
      height={rows}
      aria-hidden="true"
      className="ins-canvas"
      style={{ imageRendering: smooth ? "auto" : "pixelated" }}
    />
  );
}
