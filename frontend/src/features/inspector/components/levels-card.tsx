import { useTranslation } from "react-i18next";
import type { Seen } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Card } from "@/ui/card";
import type { Arrays } from "../state/arrays";
import { partsOf } from "../state/layer-names";
import { MapTile } from "./map-tile";

const ACROSS = 6;

interface LevelsCardProps {
  seen: Seen;
  names: string[];
  arrays: Arrays;
  layer: number;
  map: number;
  onChoose: (layer: number, map: number) => void;
  onPoint: (layer: number, map: number, row: number, column: number) => void;
  onLeave: () => void;
}

/** The strongest maps of each level on the way down, one above the other: what is fine becomes coarse and far-seeing. */
export function LevelsCard({ seen, names, arrays, layer, map, onChoose, onPoint, onLeave }: LevelsCardProps) {
  const { t } = useTranslation("inspector");
  const parts = partsOf(seen.layers);
  const levels = seen.layers.flatMap((one, index) =>
    parts[index] === "down" || parts[index] === "bottom" ? [{ one, index }] : [],
  );
  return (
    <Card title={t("levels.title")} note={t("levels.note", { n: levels.length, count: levels.length })}>
      <div className="col">
        {levels.map(({ one, index }, place) => (
          <div key={one.name} className="ins-level">
            <div>
              <b className="b sm">{names[index]}</b>
              <div className="xs q num">
                {place === 0 ? null : `${sizes(seen, levels[place - 1]?.index ?? 0)} → `}
                {sizes(seen, index)}
              </div>
              {one.sees ? (
                <div className="xs q num">{t("levels.sees", { n: count(Math.max(...one.sees)) })}</div>
              ) : null}
            </div>
            {one.maps.kept.slice(0, ACROSS).map((channel, at) => (
              <MapTile
                key={channel}
                map={arrays.map(one.maps, at)}
                size={seen.input.size}
                content={seen.input.content}
                label={`${names[index]}: ${t("maps.one", { n: channel, strength: decimal(one.maps.strengths[at] ?? 0) })}`}
                on={index === layer && at === map}
                onChoose={() => onChoose(index, at)}
                onPoint={(row, column) => onPoint(index, at, row, column)}
                onLeave={onLeave}
              />
            ))}
          </div>
        ))}
      </div>
    </Card>
  );
}

function sizes(seen: Seen, index: number): string {
  const [rows, columns] = seen.layers[index]?.size ?? [0, 0];
  return rows === columns ? `${rows}²` : `${rows} × ${columns}`;
}
