import { IconCheck, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Blanked } from "@/features/quarantine/components/blanked";
import type { QuarantinedFile, Rectangle } from "@/lib/api-types";
import { count, middle } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { IconButton } from "@/ui/button";

interface PreviewTileProps {
  file: QuarantinedFile;
  source: string;
  rectangles: Rectangle[];
  isSeen: boolean;
  onSeen: (id: string) => void;
  onEnlarge: (file: QuarantinedFile) => void;
  onDrop: (id: string) => void;
}

/** Share of a tile that must have been in sight before it counts as looked at. */
const IN_SIGHT = 0.6;

/** A held image among others, with what its header says of it and what would be blanked; fetched when it comes in sight. */
export function PreviewTile({ file, source, rectangles, isSeen, onSeen, onEnlarge, onDrop }: PreviewTileProps) {
  const { t } = useTranslation("quarantine");
  const tile = useRef<HTMLLIElement>(null);
  const [near, setNear] = useState(false);
  const [shown, setShown] = useState(false);
  const [inSight, setInSight] = useState(false);
  const [isGone, setGone] = useState(false);
  const { rows, columns, id } = file;
  const name = file.name || t("unnamed");

  useEffect(() => {
    const element = tile.current;
    if (!element) return;
    const watcher = new IntersectionObserver(
      ([entry]) => {
        if (!entry) return;
        if (entry.isIntersecting) setNear(true);
        setInSight(entry.intersectionRatio >= IN_SIGHT);
      },
      { threshold: [0, IN_SIGHT] },
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (shown && inSight && !isGone) onSeen(id);
  }, [shown, inSight, isGone, id, onSeen]);

  return (
    <li ref={tile} className="tile">
      <button
        type="button"
        aria-label={t("enlarge", { name })}
        disabled={isGone}
        onClick={() => onEnlarge(file)}
        style={{
          display: "block",
          position: "relative",
          width: "100%",
          aspectRatio: `${columns} / ${rows}`,
          maxHeight: 260,
          padding: 0,
          border: 0,
          background: "#000",
          cursor: "zoom-in",
        }}
      >
        {isGone ? (
          <span className="q sm">{t("gone")}</span>
        ) : near ? (
          <img
            src={source}
            alt=""
            draggable={false}
            onLoad={() => setShown(true)}
            onError={() => setGone(true)}
            style={{ width: "100%", height: "100%", objectFit: "contain", display: "block" }}
          />
        ) : null}
        <svg
          viewBox={`0 0 ${columns} ${rows}`}
          aria-hidden="true"
          style={{ position: "absolute", inset: 0, width: "100%", height: "100%" }}
        >
          <Blanked rectangles={rectangles} />
        </svg>
      </button>
      <div className="row" style={{ gap: 6, padding: "6px 4px 6px 10px" }}>
        <span className="mono sm ell grow" title={file.name}>
          {middle(name, 24)}
        </span>
        {isSeen ? (
          <span
            role="img"
            aria-label={t("seen")}
            title={t("seen")}
            style={{ color: "var(--ok)", display: "flex" }}
          >
            <IconCheck size={14} aria-hidden="true" />
          </span>
        ) : null}
        <IconButton style={{ width: 28, height: 28 }} label={t("leaveOut", { name })} onClick={() => onDrop(id)}>
          <IconX size={14} />
        </IconButton>
      </div>
      <p className="xs q" style={{ padding: "0 10px 8px" }}>
        {[
          file.modality,
          `${file.manufacturer} ${file.model}`.trim(),
          t("size", { columns: count(columns), rows: count(rows) }),
          file.frames > 1 ? t("frames", { n: count(file.frames) }) : "",
        ]
          .filter(Boolean)
          .join(" · ")}
        <br />
        {file.why ? t(`why.${file.why}`) : serverWords(file.reason, t)}
      </p>
    </li>
  );
}
