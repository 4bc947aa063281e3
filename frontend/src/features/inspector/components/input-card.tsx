import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Seen } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Card } from "@/ui/card";
import type { Arrays } from "../state/arrays";
import { MapCanvas } from "./map-canvas";
import { placeOf } from "./map-tile";

/** The image as the network is given it: made small, laid into a square, standardised. */
export function InputCard({ seen, arrays }: { seen: Seen; arrays: Arrays }) {
  const { t } = useTranslation("inspector");
  const [at, point] = useState<[number, number] | null>(null);
  const { size, content, image, mean, deviation, array } = seen.input;
  const bytes = arrays.bytes(array);
  const inside = at && at[0] < content[0] && at[1] < content[1];
  const value = inside ? ((bytes[at[0] * size + at[1]] ?? 0) / 255 - mean) / deviation : 0;
  return (
    <Card title={t("input.title")} note={t("input.note", { size: count(size) })}>
      <div className="row t" style={{ gap: 20, flexWrap: "wrap" }}>
        <div
          className="ins-input"
          role="img"
          aria-label={t("input.title")}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            point([
              placeOf(event.clientY - box.top, box.height, size),
              placeOf(event.clientX - box.left, box.width, size),
            ]);
          }}
          onPointerLeave={() => point(null)}
        >
          <MapCanvas
            map={{ rows: size, columns: size, bytes, low: 0, high: 1 }}
            size={size}
            content={content}
            whole
          />
          <span
            className="ins-empty"
            style={{ top: `${(content[0] / size) * 100}%`, left: 0, right: 0, bottom: 0 }}
            aria-hidden="true"
          />
          <span
            className="ins-empty"
            style={{ left: `${(content[1] / size) * 100}%`, top: 0, right: 0, bottom: 0 }}
            aria-hidden="true"
          />
        </div>
        <div className="col sm sec" style={{ maxWidth: 300, gap: 10 }}>
          <p>
            {t("input.fitted", {
              image: `${count(image[1])} × ${count(image[0])}`,
              content: `${count(content[1])} × ${count(content[0])}`,
            })}
          </p>
          <p>
            {t("input.standardised", { mean: decimal(mean * 255, 1), deviation: decimal(deviation * 255, 1) })}
          </p>
          <p className="num" aria-live="polite">
            {at ? t("input.value", { row: at[0], column: at[1], value: decimal(value) }) : t("input.point")}
          </p>
        </div>
      </div>
    </Card>
  );
}
