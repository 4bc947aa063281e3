import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Seen, SeenLayer } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Segmented } from "@/ui/segmented";
import type { Arrays } from "../state/arrays";
import { FilterStrip } from "./filter-strip";
import { MapTile } from "./map-tile";

const FIRST = 12;

interface MapsCardProps {
  seen: Seen;
  layer: SeenLayer;
  name: string;
  arrays: Arrays;
  chosen: number;
  onChoose: (index: number) => void;
  onPoint: (index: number, row: number, column: number) => void;
  onLeave: () => void;
}

/** A block's feature maps, strongest first, or its filters. */
export function MapsCard({ seen, layer, name, arrays, chosen, onChoose, onPoint, onLeave }: MapsCardProps) {
  const { t } = useTranslation("inspector");
  const [shows, show] = useState<"maps" | "filters">("maps");
  const [whole, setWhole] = useState(false);
  const kept = layer.maps.kept.length;
  const shown = whole ? kept : Math.min(FIRST, kept);
  return (
    <Card
      title={name}
      note={
        shows === "maps"
          ? t("maps.note", { shown: count(shown), all: count(layer.channels) })
          : t("filters.ofBlock", { n: layer.filters.length, count: layer.filters.length })
      }
      actions={
        <Segmented<"maps" | "filters">
          label={t("maps.what")}
          value={shows}
          onChange={show}
          options={[
            { value: "maps", label: t("maps.maps") },
            { value: "filters", label: t("maps.filters"), disabled: layer.filters.length === 0 },
          ]}
        />
      }
    >
      {shows === "maps" ? (
        <>
          <ul className="ins-maps">
            {Array.from({ length: shown }, (_, index) => (
              <li key={layer.maps.kept[index]}>
                <MapTile
                  map={arrays.map(layer.maps, index)}
                  size={seen.input.size}
                  content={seen.input.content}
                  label={t("maps.one", {
                    n: layer.maps.kept[index],
                    strength: decimal(layer.maps.strengths[index] ?? 0),
                  })}
                  on={index === chosen}
                  onChoose={() => onChoose(index)}
                  onPoint={(row, column) => onPoint(index, row, column)}
                  onLeave={onLeave}
                />
              </li>
            ))}
          </ul>
          <div className="row sb" style={{ marginTop: 10 }}>
            <span className="xs q">{t("maps.scale")}</span>
            {kept > FIRST ? (
              <Button dense variant="ghost" aria-expanded={whole} onClick={() => setWhole(!whole)}>
                {whole ? t("maps.fewer") : t("maps.more", { n: count(kept - FIRST) })}
              </Button>
            ) : null}
          </div>
        </>
      ) : (
        <div className="stack">
          {layer.filters.map((filters) => (
            <FilterStrip key={filters.module} filters={filters} arrays={arrays} titled />
          ))}
        </div>
      )}
    </Card>
  );
}
