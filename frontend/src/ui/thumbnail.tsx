import { IconPhotoOff } from "@tabler/icons-react";
import { useState } from "react";

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
  const [missing, setMissing] = useState(false);
  return (
    <span className={`thumb-t${className ? ` ${className}` : ""}`} style={{ width, height, display: "block" }}>
      {missing ? (
        <IconPhotoOff
          size={16}
          stroke={1.4}
          color="var(--n7)"
          style={{ position: "absolute", left: width / 2 - 8, top: height / 2 - 8 }}
        />
      ) : (
        <img src={src} alt="" loading="lazy" width={width} height={height} onError={() => setMissing(true)} />
      )}
      {corner ? (
        <span className="tb" style={{ left: 4, top: 4 }}>
          {corner}
        </span>
      ) : null}
    </span>
  );
}
