import { useTranslation } from "react-i18next";
import type { Entry } from "@/lib/vocabulary";
import { Card } from "@/ui/card";
import { Ring } from "@/ui/ring";

/** Places on the drawn image where marks of the first types are shown. */
const PLACES = [
  { cx: 172, cy: 84, rx: 46, ry: 34, end: false, lx: 150, ly: 136 },
  { cx: 262, cy: 56, rx: 24, ry: 13, end: true, lx: 0, ly: 88 },
  { cx: 92, cy: 150, rx: 19, ry: 14, end: false, lx: 44, ly: 182 },
] as const;

/** How marks of these types will look: solid a person's, dashed the model's. The image is drawn, not a patient's. */
export function PreviewCard({ entries }: { entries: Entry[] }) {
  const { t } = useTranslation("vocabulary");
  const shown = entries.filter((entry) => entry.scope === "lesion" && !entry.retired).slice(0, PLACES.length);
  return (
    <Card title={t("preview")} style={{ flex: "none" }}>
      <svg
        width="100%"
        viewBox="0 0 340 208"
        role="img"
        aria-label={t("preview")}
        style={{ display: "block", borderRadius: 5, background: "#000" }}
      >
        <defs>
          <filter id="speckle" x="0" y="0" width="100%" height="100%">
            <feTurbulence type="fractalNoise" baseFrequency="0.09 0.26" numOctaves="3" seed="7" />
            <feColorMatrix values="0 0 0 0 0.72  0 0 0 0 0.72  0 0 0 0 0.72  1.1 0 0 0 -0.28" />
          </filter>
        </defs>
        <rect width="340" height="208" filter="url(#speckle)" opacity="0.7" />
        {PLACES.map((place) => (
          <ellipse
            key={place.cx}
            cx={place.cx}
            cy={place.cy}
            rx={place.rx - 3}
            ry={place.ry - 3}
            fill="#0a0a0a"
            opacity="0.82"
          />
        ))}
        {shown.map((entry, index) => {
          const place = PLACES[index];
          if (!place) return null;
          const dash = index === 2 ? "6 4" : undefined;
          return (
            <g key={entry.uid}>
              <ellipse
                cx={place.cx}
                cy={place.cy}
                rx={place.rx}
                ry={place.ry}
                fill="none"
                stroke="#000"
                strokeOpacity="0.6"
                strokeWidth="4"
              />
              <ellipse
                cx={place.cx}
                cy={place.cy}
                rx={place.rx}
                ry={place.ry}
                fill="none"
                stroke={entry.colour}
                strokeWidth="1.75"
                strokeDasharray={dash}
              />
              <foreignObject x={place.lx} y={place.ly - 12} width={334 - place.lx} height="24">
                <div style={{ display: "flex", justifyContent: place.end ? "flex-end" : "flex-start" }}>
                  <span
                    className="marklabel"
                    style={{ borderColor: entry.colour, borderStyle: dash ? "dashed" : "solid" }}
                  >
                    <Ring model={Boolean(dash)} size={10} />
                    {entry.name || t("unnamed")}
                    {dash ? <span style={{ color: "#c4c4c4", fontWeight: 500 }}>0.64</span> : null}
                  </span>
                </div>
              </foreignObject>
            </g>
          );
        })}
      </svg>
      <div className="row sm sec" style={{ gap: 20, marginTop: 10 }}>
        <span className="row" style={{ gap: 6 }}>
          <Ring /> {t("person")}
        </span>
        <span className="row" style={{ gap: 6 }}>
          <Ring model /> {t("model")}
        </span>
      </div>
    </Card>
  );
}
