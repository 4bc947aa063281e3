import { IconAlertTriangle } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Inspection, SaliencyMap, Seen, SeenTarget } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Card } from "@/ui/card";
import { type Arrays, outlineOf } from "../state/arrays";
import type { Rectangle } from "../state/field";
import { INFERNO } from "../state/shades";
import { MapCanvas } from "./map-canvas";

/** An answer to ask about; a person's lesion has its saliency only once it was asked for. */
export interface Choice {
  key: string;
  label: string;
  target: SeenTarget | null;
  arrays: Arrays | null;
  colour: string;
  lesion?: string;
}

interface ImageCardProps {
  slug: string;
  inspection: Inspection;
  seen: Seen;
  names: string[];
  choices: Choice[];
  choice: Choice | undefined;
  waits: boolean;
  /** Whose saliency: the name of a block, "" for none. */
  block: string;
  opacity: number;
  field: Rectangle | null;
  fieldLabel: string;
  onChoice: (key: string) => void;
  onBlock: (name: string) => void;
  onOpacity: (opacity: number) => void;
}

/** The image itself with what a value sees of it and with the saliency of the chosen answer. */
export function ImageCard(props: ImageCardProps) {
  const { inspection, seen, names, choices, choice, block, opacity, field } = props;
  const { t } = useTranslation("inspector");
  const { size, content } = seen.input;
  const { target, arrays } = choice ?? { target: null, arrays: null };
  const outline = useMemo(
    () => (target?.mask && arrays ? outlineOf(arrays.bytes(target.mask), size) : ""),
    [target, arrays, size],
  );
  const map = target?.maps.find((one) => one.layer === block);
  return (
    <Card
      title={inspection.case.name}
      note={
        inspection.image.frames > 1
          ? t("image.slice", { n: count(inspection.frame), all: count(inspection.image.frames) })
          : undefined
      }
      actions={
        <label className="row sm sec" style={{ minWidth: 0 }}>
          <span className="visually-hidden">{t("image.answer")}</span>
          <select
            className="in d ins-select"
            value={choice?.key ?? ""}
            onChange={(event) => props.onChoice(event.currentTarget.value)}
          >
            {choices.map((one) => (
              <option key={one.key} value={one.key}>
                {one.label}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <div
        className="ins-image"
        style={{ aspectRatio: `${content[1]} / ${content[0]}`, maxWidth: (300 * content[1]) / content[0] }}
        data-testid="image"
      >
        <img src={pictureOf(props.slug, inspection)} alt={t("image.alt", { name: inspection.case.name })} />
        {map && arrays && opacity > 0 && map.high[0] ? (
          <div className="ins-saliency" style={{ opacity }}>
            <MapCanvas map={arrays.map(map, 0)} size={size} content={content} saliency smooth />
          </div>
        ) : null}
        <svg viewBox={`0 0 ${content[1]} ${content[0]}`} preserveAspectRatio="none" aria-hidden="true">
          {outline ? (
            <>
              <path className="ins-line h" d={outline} />
              <path
                className="ins-line"
                d={outline}
                style={{
                  stroke: choice?.colour,
                  strokeDasharray: target?.kind === "marked" ? undefined : "5 3",
                }}
              />
            </>
          ) : null}
          {field ? (
            <>
              <rect className="ins-square h" x={field.left} y={field.top} {...sides(field)} />
              <rect className="ins-square" x={field.left} y={field.top} {...sides(field)} />
            </>
          ) : null}
        </svg>
      </div>
      <p className="xs q" style={{ marginTop: 6, minHeight: 16 }} aria-live="polite">
        {props.fieldLabel}
      </p>
      <Saliency {...props} map={map} names={names} />
    </Card>
  );
}

function Saliency({
  seen,
  names,
  choice,
  waits,
  block,
  opacity,
  map,
  onBlock,
  onOpacity,
}: ImageCardProps & { map: SaliencyMap | undefined }) {
  const { t } = useTranslation("inspector");
  const known = choice?.target?.maps ?? [];
  return (
    <div className="col" style={{ marginTop: 8, gap: 6 }}>
      <div className="row sm sb" style={{ gap: 10 }}>
        <label className="row sec" style={{ gap: 8, minWidth: 0 }}>
          <span className="nw">{t("saliency.title")}</span>
          <select
            className="in d ins-select"
            value={map ? block : ""}
            onChange={(event) => onBlock(event.currentTarget.value)}
            disabled={known.length === 0}
          >
            <option value="">{t("saliency.none")}</option>
            {known.map((one) => (
              <option key={one.layer} value={one.layer}>
                {names[seen.layers.findIndex((layer) => layer.name === one.layer)] ?? one.layer}
              </option>
            ))}
          </select>
        </label>
        <label className="row sec" style={{ gap: 8 }}>
          <span className="xs nw">{t("saliency.opacity")}</span>
          <input
            type="range"
            min={0}
            max={1}
            step={0.05}
            value={opacity}
            style={{ width: 64 }}
            onChange={(event) => onOpacity(Number(event.currentTarget.value))}
          />
        </label>
      </div>
      <div>
        <div className="ins-ramp" style={{ background: `linear-gradient(90deg, ${INFERNO.join(",")})` }} />
        <div className="row sb xs q">
          <span>{t("saliency.low")}</span>
          <span>{t("saliency.high")}</span>
        </div>
      </div>
      {waits ? (
        <p className="sm sec" role="status">
          {t("saliency.waits")}
        </p>
      ) : null}
      {map && !map.high[0] ? <p className="sm sec">{t("saliency.empty")}</p> : null}
      {map?.high[0] ? (
        <p className="sm sec num" data-testid="sanity">
          {t("saliency.sanity", { heads: told(map.heads), all: told(map.all) })} {t(verdictOf(map))}
        </p>
      ) : null}
      <p className="row t xs" style={{ gap: 6, color: "var(--warn)" }}>
        <IconAlertTriangle size={14} stroke={1.6} style={{ flex: "none", marginTop: 1 }} aria-hidden="true" />
        {t("saliency.warning")}
      </p>
    </div>
  );

  function told(value: number | null): string {
    return value === null ? t("saliency.untold") : decimal(value);
  }
}

/** Alike enough that the map would have looked so without training. */
const ALIKE = 0.5;

function verdictOf(map: SaliencyMap): string {
  if (map.all === null) return "saliency.verdict.untold";
  return Math.abs(map.all) >= ALIKE ? "saliency.verdict.alike" : "saliency.verdict.differs";
}

function sides({ width, height }: Rectangle) {
  return { width, height };
}

/** What versions see that chose no window. */
const WIDE_CT = [-300, 1400] as const;

/** The frame as an eye should see it; a CT in the window that the network is given. */
function pictureOf(slug: string, { image }: Inspection): string {
  const root = `/dicom-web/${slug}/studies/${image.study}/series/${image.series}`;
  const [center, width] = image.ct_window ?? WIDE_CT;
  const window = image.modality === "CT" ? `?window=${center},${width},linear-exact` : "";
  return `${root}/instances/${image.sop_instance_uid}/frames/${image.frame}/rendered${window}`;
}
