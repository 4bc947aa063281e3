import type { Rectangle } from "@/lib/api-types";

/** What is to be blanked, within an SVG whose view box is the image's pixels: dark enough to show that it goes. */
export function Blanked({ rectangles }: { rectangles: readonly Rectangle[] }) {
  return rectangles.map(([left, top, width, height]) => (
    <rect
      key={`${left} ${top} ${width} ${height}`}
      x={left}
      y={top}
      width={width}
      height={height}
      fill="#000"
      fillOpacity={0.72}
      stroke="#62b0f5"
      strokeWidth={1.5}
      vectorEffect="non-scaling-stroke"
    />
  ));
}
