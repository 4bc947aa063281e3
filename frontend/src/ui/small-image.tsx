import { IconPhotoOff } from "@tabler/icons-react";
import { useEffect, useState } from "react";

interface SmallImageProps {
  src: string;
  width?: number;
  height?: number;
}

/** A thumbnail's picture: raised grey until it is there, never black; asked for again when the network is back. */
export function SmallImage({ src, width, height }: SmallImageProps) {
  const [state, setState] = useState<"waits" | "seen" | "missing">("waits");
  useEffect(() => {
    if (state !== "missing") return;
    const again = () => setState("waits");
    window.addEventListener("online", again);
    return () => window.removeEventListener("online", again);
  }, [state]);
  if (state === "missing") return <IconPhotoOff className="nophoto" size={16} stroke={1.4} />;
  return (
    <img
      src={src}
      alt=""
      loading="lazy"
      decoding="async"
      width={width}
      height={height}
      className={state === "waits" ? "waits" : undefined}
      onLoad={() => setState("seen")}
      onError={() => setState("missing")}
    />
  );
}
