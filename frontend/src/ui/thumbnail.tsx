import { SmallImage } from "@/ui/small-image";

interface ThumbnailProps {
  src: string;
  width: number;
  height: number;
  /** A word at the top left: modality, rank. */
  corner?: string;
  className?: string;
}

/** A 4:3 crop on black. Decorative: the case's name stands beside it. */
export function Thumbnail({ src, width, height, corner, className }: ThumbnailProps) {
  return (
    <span className={`thumb-t${className ? ` ${className}` : ""}`} style={{ width, height, display: "block" }}>
      <SmallImage key={src} src={src} width={width} height={height} />
      {corner ? (
        <span className="tb" style={{ left: 4, top: 4 }}>
          {corner}
        </span>
      ) : null}
    </span>
  );
}
