import { IconEyeOff } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";
import "./inspector.css";
import { type Look, useInspection, useOrderAgain, usePictures } from "@/features/inspector/api/inspection";
import { FilterStrip } from "@/features/inspector/components/filter-strip";
import { type Choice, ImageCard } from "@/features/inspector/components/image-card";
import { InputCard } from "@/features/inspector/components/input-card";
import { LayerList } from "@/features/inspector/components/layer-list";
import { LevelsCard } from "@/features/inspector/components/levels-card";
import { MapCard } from "@/features/inspector/components/map-card";
import { MapsCard } from "@/features/inspector/components/maps-card";
import { WordsCard } from "@/features/inspector/components/words-card";
import { Arrays, filled, valueAt } from "@/features/inspector/state/arrays";
import { fieldOf } from "@/features/inspector/state/field";
import { layerNames } from "@/features/inspector/state/layer-names";
import { ApiError } from "@/lib/api-client";
import type { FindingType, Inspection, Seen, SeenTarget } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { useProject, useSlug } from "@/lib/project";
import { Button, LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

/** Inside the CNN: what a version does with one image of a case. */
export default function InspectorPage() {
  const { t } = useTranslation("inspector");
  const slug = useSlug();
  const { number, caseId = "" } = useParams();
  const [query] = useSearchParams();
  const look = { slug, number: Number(number), caseId, frame: Math.max(1, Number(query.get("frame")) || 1) };
  const found = useInspection(look);
  const pictures = usePictures(look, found.data?.state === "ready");
  const again = useOrderAgain(look);
  const isLead = useProject(slug).data?.role === "lead";
  const head = (
    <PageHead title={t("title", { n: look.number })} note={t("note")}>
      {found.data ? <Slices look={look} frames={found.data.image.frames} /> : null}
      <LinkButton dense to={`/p/${slug}/read/${caseId}`}>
        {t("toRoom")}
      </LinkButton>
      {isLead ? (
        <>
          <LinkButton dense to={`/p/${slug}/models/${look.number}/inside`}>
            {t("otherCase")}
          </LinkButton>
          <LinkButton dense to={`/p/${slug}/models/${look.number}`}>
            {t("toModel")}
          </LinkButton>
        </>
      ) : null}
    </PageHead>
  );
  const refused = found.error instanceof ApiError && found.error.status === 404;
  if (refused)
    return (
      <>
        {head}
        <Card>
          <div className="col" style={{ padding: 16, gap: 10 }} role="alert">
            <span className="row b">
              <IconEyeOff size={16} stroke={1.6} aria-hidden="true" />
              {t("refused.title")}
            </span>
            <p className="sec" style={{ maxWidth: 560 }}>
              {t("refused.text")}
            </p>
          </div>
        </Card>
      </>
    );
  const error = found.error ?? pictures.error ?? again.error;
  if (error)
    return (
      <>
        {head}
        <Card>
          <ErrorState error={error} retry={() => void (found.error ? found : pictures).refetch()} />
        </Card>
      </>
    );
  if (found.data?.state === "failed")
    return (
      <>
        {head}
        <Card>
          <div className="col" style={{ padding: 16, gap: 10, alignItems: "flex-start" }} role="alert">
            <span className="b">{t("failed.title")}</span>
            <p className="sec">{t("failed.text")}</p>
            <Button dense busy={again.isPending} onClick={() => again.mutate()}>
              {t("failed.again")}
            </Button>
            <details className="sm q">
              <summary>{t("failed.details")}</summary>
              <span className="mono">{found.data.error}</span>
            </details>
          </div>
        </Card>
      </>
    );
  const seen = found.data?.seen;
  if (!found.data || !seen || !pictures.data)
    return (
      <>
        {head}
        <Card title={t("computing.title")} note={t(`computing.${found.data?.state ?? "none"}`)} bare>
          <div role="status" className="visually-hidden">
            {t("computing.title")}
          </div>
          <LoadingRows rows={9} height={56} />
        </Card>
      </>
    );
  return (
    <>
      {head}
      <Inside
        key={`${caseId} ${look.frame}`}
        look={look}
        inspection={found.data}
        seen={seen}
        buffer={pictures.data}
      />
    </>
  );
}

/** Earlier and later slices of a series. */
function Slices({ look, frames }: { look: Look; frames: number }) {
  const { t } = useTranslation("inspector");
  if (frames < 2) return null;
  const to = (frame: number) => `?frame=${Math.max(1, Math.min(frames, frame))}`;
  return (
    <>
      <LinkButton dense to={to(look.frame - 1)} aria-label={t("image.before")}>
        ‹
      </LinkButton>
      <span className="sm sec num nw">{t("image.slice", { n: count(look.frame), all: count(frames) })}</span>
      <LinkButton dense to={to(look.frame + 1)} aria-label={t("image.after")}>
        ›
      </LinkButton>
    </>
  );
}

/** A value of a map. */
interface Pointed {
  layer: number;
  map: number;
  at: [row: number, column: number];
}

interface InsideProps {
  look: Look;
  inspection: Inspection;
  seen: Seen;
  buffer: ArrayBuffer;
}

function Inside({ look, inspection, seen, buffer }: InsideProps) {
  const { t } = useTranslation("inspector");
  const arrays = useMemo(() => new Arrays(buffer), [buffer]);
  const names = useMemo(() => layerNames(seen.layers, t), [seen, t]);
  const [layerIndex, setLayer] = useState(Math.min(1, seen.layers.length - 1));
  const [mapIndex, setMap] = useState(0);
  const [at, setAt] = useState<[number, number]>(() => middle(seen, Math.min(1, seen.layers.length - 1)));
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const [isInput, showInput] = useState(false);
  const [block, setBlock] = useState(seen.shown_first);
  const [opacity, setOpacity] = useState(0.6);
  const { choices, choice, choose, waits } = useChoices(look, inspection, seen, arrays);
  const layer = seen.layers[layerIndex];
  const mask = choice?.target?.mask && choice.arrays ? choice.arrays.bytes(choice.target.mask) : null;
  // What the pointer is over goes before the chosen map, and nothing else on the page changes with it.
  const over: Pointed = pointed ?? { layer: layerIndex, map: mapIndex, at };
  const overLayer = isInput && !pointed ? undefined : seen.layers[over.layer];
  const field = overLayer ? fieldOf(overLayer, arrays, ...over.at) : null;
  const point = (index: number, map: number, row: number, column: number) =>
    setPointed({ layer: index, map, at: [row, column] });
  const leave = () => setPointed(null);
  const chooseLayer = (index: number) => {
    showInput(index < 0);
    if (index < 0) return;
    setAt((before) => scaled(before, seen, layerIndex, index));
    setLayer(index);
    setMap(0);
  };
  const chooseMap = (index: number, map: number) => {
    if (index !== layerIndex) chooseLayer(index);
    showInput(false);
    setMap(map);
  };
  const first = seen.layers.find((one) => one.filters.length)?.filters[0];
  return (
    <div className="ins">
      <LayerList
        seen={seen}
        names={names}
        version={look.number}
        chosen={isInput ? -1 : layerIndex}
        onChoose={chooseLayer}
      />
      <div className="stack">
        {isInput || !layer ? (
          <InputCard seen={seen} arrays={arrays} />
        ) : (
          <MapsCard
            key={layer.name}
            seen={seen}
            layer={layer}
            name={names[layerIndex] ?? layer.name}
            arrays={arrays}
            chosen={mapIndex}
            onChoose={(index) => chooseMap(layerIndex, index)}
            onPoint={(map, row, column) => point(layerIndex, map, row, column)}
            onLeave={leave}
          />
        )}
        {first ? (
          <Card title={t("filters.first")} note={firstNote()}>
            <FilterStrip filters={first} arrays={arrays} />
          </Card>
        ) : null}
        <LevelsCard
          seen={seen}
          names={names}
          arrays={arrays}
          layer={layerIndex}
          map={mapIndex}
          onChoose={chooseMap}
          onPoint={point}
          onLeave={leave}
        />
      </div>
      <div className="stack ins-side">
        <ImageCard
          slug={look.slug}
          inspection={inspection}
          seen={seen}
          names={names}
          choices={choices}
          choice={choice}
          waits={waits}
          block={block}
          opacity={opacity}
          field={field}
          fieldLabel={
            field && overLayer
              ? t("image.field", {
                  layer: names[over.layer],
                  n: overLayer.maps.kept[over.map],
                  row: over.at[0],
                  column: over.at[1],
                  value: decimal(valueAt(arrays.map(overLayer.maps, over.map), ...over.at)),
                })
              : ""
          }
          onChoice={choose}
          onBlock={setBlock}
          onOpacity={setOpacity}
        />
        {layer && !isInput ? (
          <MapCard
            seen={seen}
            layer={layer}
            name={names[layerIndex] ?? layer.name}
            index={mapIndex}
            arrays={arrays}
            mask={mask}
            at={at}
            onPoint={(row, column) => setAt([row, column])}
          />
        ) : null}
        <WordsCard />
      </div>
    </div>
  );

  function firstNote(): string {
    const [, rows = 1, columns = 1] = first?.array.shape ?? [];
    return first?.inputs === 1
      ? t("filters.exact", { rows, columns })
      : t("filters.summary", { rows, columns, inputs: count(first?.inputs ?? 0) });
  }
}

/** The model's answers and the lesions that people marked; one of those is computed when it is chosen. */
function useChoices(look: Look, inspection: Inspection, seen: Seen, arrays: Arrays) {
  const { t } = useTranslation("inspector");
  const types = useProject(look.slug).data?.finding_types ?? [];
  const [key, choose] = useState("model 0");
  const lesion = inspection.lesions.find((one) => `marked ${one.id}` === key);
  const marked = { ...look, lesion: lesion?.id };
  const asked = useInspection(marked, Boolean(lesion));
  const pictures = usePictures(marked, Boolean(lesion) && asked.data?.state === "ready");
  const markedArrays = useMemo(() => (pictures.data ? new Arrays(pictures.data) : null), [pictures.data]);
  const choices: Choice[] = [
    ...seen.targets.map((target, index) => ({
      key: `model ${index}`,
      label: labelOf(target),
      target,
      arrays,
      colour: colourOf(target.finding_type),
    })),
    ...inspection.lesions.map((one) => ({
      key: `marked ${one.id}`,
      label: t("answer.marked", { type: nameOf(one.finding_type), reader: one.reader }),
      target: one === lesion ? (asked.data?.seen?.targets[0] ?? null) : null,
      arrays: one === lesion ? markedArrays : null,
      colour: colourOf(one.finding_type),
      lesion: one.id,
    })),
  ];
  const choice = choices.find((one) => one.key === key) ?? choices[0];
  return { choices, choice, choose, waits: Boolean(lesion) && !markedArrays && !asked.isError };

  function typeOf(id: number | null): FindingType | undefined {
    return types.find((one) => one.id === id);
  }
  function nameOf(id: number | null): string {
    return typeOf(id)?.name ?? t("answer.any");
  }
  function colourOf(id: number | null): string {
    return typeOf(id)?.colour ?? "#f2f2f2";
  }
  function labelOf(target: SeenTarget): string {
    const words = { type: nameOf(target.finding_type), score: decimal(target.score ?? 0) };
    return target.kind === "lesion" ? t("answer.lesion", words) : t("answer.finding", words);
  }
}

function middle(seen: Seen, index: number): [number, number] {
  const [rows, columns] = seen.layers[index]?.size ?? [1, 1];
  const part = filled({ rows, columns }, seen.input.size, seen.input.content);
  return [Math.floor(part.rows / 2), Math.floor(part.columns / 2)];
}

/** The same place in a block of another size. */
function scaled(at: [number, number], seen: Seen, from: number, to: number): [number, number] {
  const [rows, columns] = seen.layers[from]?.size ?? [1, 1];
  const [newRows, newColumns] = seen.layers[to]?.size ?? [1, 1];
  return [
    Math.min(newRows - 1, Math.floor(((at[0] + 0.5) / rows) * newRows)),
    Math.min(newColumns - 1, Math.floor(((at[1] + 0.5) / columns) * newColumns)),
  ];
}
