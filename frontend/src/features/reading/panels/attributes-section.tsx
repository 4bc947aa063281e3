/** The selected lesion: where it came from, its attributes, its shape. */
import type { TFunction } from "i18next";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Attribute, Lesion, MarkKind } from "@/lib/api-types";
import { typedNumber } from "@/lib/attributes";
import { decimal } from "@/lib/format";
import { Button } from "@/ui/button";
import { Kbd } from "@/ui/kbd";
import { Segmented } from "@/ui/segmented";
import { centreOf } from "../geometry/mark";
import type { MaskGrid } from "../geometry/mask-grid";
import { maskToPolygon } from "../marks/edit-mark";
import { type Ground, groundOf } from "../marks/gesture";
import {
  boxToEllipse,
  fillHoles,
  interpolate,
  removeIslands,
  revert,
  snapToEdge,
  split,
  toBox,
  toMask,
} from "../marks/mask-acts";
import { measureLesion } from "../marks/measure-marks";
import { extentText, regionOf, statisticsText } from "../marks/measurement-text";
import { keysOfValues } from "../state/attribute-keys";
import { type Command, keysOf, printed } from "../state/keymap";
import type { RoomSession } from "../state/room-session";
import { useMasks, useReading, useSession, useUi, useView } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";
import { useWords, type Words } from "../state/use-words";

export function AttributesSection() {
  const t = useWords();
  const session = useSession();
  useMasks();
  const lesion = useReading((state) => state.doc.lesions.find((one) => one.id === state.selected));
  const index = useReading((state) => state.doc.lesions.findIndex((one) => one.id === state.selected));
  const inHand = useUi((state) => state.attributeInHand);
  const keyOf = useKeyOf();
  if (!lesion) return null;
  const type = session.typeOf(lesion.finding_type);
  const reshape = shapeActs(session, lesion, t);
  return (
    <section className="sect" data-testid="attributes">
      <div className="sh">
        {type?.name} {index + 1}
        <span className="grow" />
        <span className="q xs num">{provenance(session, lesion, t)}</span>
        {type?.attributes.length && !session.isReadonly ? <Kbd>{keyOf("attributes")}</Kbd> : null}
      </div>
      <div className="rr-attributes">
        {type?.attributes.map((attribute) => (
          <AttributeLine
            key={`${lesion.id} ${attribute.name}`}
            attribute={attribute}
            value={lesion.attributes[attribute.name] ?? ""}
            disabled={session.isReadonly}
            inHand={inHand === attribute.name}
            onChange={(value) =>
              attribute.number
                ? session.sayNumber(attribute.name, value)
                : session.sayAttribute(attribute.name, value)
            }
          />
        ))}
        <StatisticsLines lesion={lesion} />
        {reshape.length && !session.isReadonly ? (
          <fieldset className="rr-shapes" aria-label={t("shape")}>
            {reshape.map(({ key, kbd, run }) => (
              <Button key={key} dense kbd={kbd} onClick={run}>
                {key}
              </Button>
            ))}
          </fieldset>
        ) : null}
      </div>
    </section>
  );
}

interface LineProps {
  attribute: Attribute;
  value: string;
  disabled: boolean;
  /** Keys choose its value now. */
  inHand: boolean;
  onChange: (value: string) => void;
}

/** The values with the keys that choose them. */
function NumberedValues({ attribute, value, onChange }: Pick<LineProps, "attribute" | "value" | "onChange">) {
  const field = useRef<HTMLFieldSetElement>(null);
  const keys = keysOfValues(attribute);
  useEffect(() => {
    field.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <fieldset ref={field} className="rr-values" data-testid="values">
      <legend className="q sm">
        <AttributeName attribute={attribute} value={value} />
      </legend>
      {attribute.values.map((one, index) => {
        const key = keys[index];
        return (
          <button
            key={one}
            type="button"
            className={`fkey${one === value ? " on" : ""}`}
            aria-pressed={one === value}
            onClick={() => onChange(one)}
          >
            {key ? <Kbd>{key}</Kbd> : null}
            {one}
          </button>
        );
      })}
    </fieldset>
  );
}

/** The name, and that it has to be said as long as it is not. */
function AttributeName({ attribute, value }: Pick<LineProps, "attribute" | "value">) {
  const { t } = useTranslation("reading");
  return (
    <span className="q sm">
      {attribute.name}
      {attribute.required && !value ? <span className="rr-required"> {t("attribute.required")}</span> : null}
    </span>
  );
}

/** A field for a number: what is typed outside its limits is said by nobody, and told. */
function NumberLine({ attribute, value, disabled, inHand, onChange }: LineProps) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const said = typedNumber(attribute, text) ?? "";
  const wrong = text.trim() !== "" && said === "";
  useEffect(() => {
    // Undone, or of another version: the field follows, and leaves alone what is being typed.
    setText((now) => ((typedNumber(attribute, now) ?? "") === value ? now : value));
  }, [attribute, value]);
  useEffect(() => {
    if (inHand && document.activeElement !== field.current) field.current?.select();
  }, [inHand]);
  const release = () =>
    session.ui.setState(({ attributeInHand }) =>
      attributeInHand === attribute.name ? { attributeInHand: null } : {},
    );
  return (
    <>
      <AttributeName attribute={attribute} value={value} />
      <span className={`in d rr-number${wrong ? " bad" : ""}`}>
        <input
          ref={field}
          className="num"
          inputMode="decimal"
          maxLength={18}
          aria-label={attribute.name}
          aria-invalid={wrong}
          value={text}
          readOnly={disabled}
          onFocus={() => disabled || session.ui.setState({ attributeInHand: attribute.name })}
          onBlur={release}
          onChange={(event) => {
            setText(event.target.value);
            onChange(typedNumber(attribute, event.target.value) ?? "");
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
            event.preventDefault();
            event.currentTarget.blur();
            if (!wrong) session.takeAttribute(attribute.name);
          }}
        />
        <span className="q">{attribute.number?.unit}</span>
      </span>
      {wrong ? (
        <p className="xs rr-limits" role="alert">
          {limitsText(attribute, t)}
        </p>
      ) : null}
    </>
  );
}

function limitsText({ number }: Attribute, t: TFunction<"reading">): string {
  const least = number?.least ?? null;
  const most = number?.most ?? null;
  if (least !== null && most !== null) return t("attribute.between", { least, most });
  if (least !== null) return t("attribute.least", { least });
  return most === null ? t("attribute.number") : t("attribute.most", { most });
}

/** Pixels that the narrow panel leaves for the values side by side. */
const ROOM = 196;

function AttributeLine({ attribute, value, disabled, inHand, onChange }: LineProps) {
  const { t } = useTranslation("reading");
  if (attribute.number) {
    return (
      <NumberLine attribute={attribute} value={value} disabled={disabled} inHand={inHand} onChange={onChange} />
    );
  }
  if (inHand) return <NumberedValues attribute={attribute} value={value} onChange={onChange} />;
  const width = attribute.values.reduce((sum, one) => sum + 10 + 6.4 * one.length, 0);
  const fits = attribute.values.length <= 6 && width <= ROOM;
  return (
    <>
      <AttributeName attribute={attribute} value={value} />
      {fits ? (
        <Segmented
          fill
          label={attribute.name}
          value={value}
          disabled={disabled}
          options={attribute.values.map((one) => ({ value: one, label: one }))}
          onChange={onChange}
        />
      ) : (
        <select
          className="in d rr-select"
          aria-label={attribute.name}
          value={value}
          disabled={disabled}
          onChange={(event) => onChange(event.target.value)}
        >
          <option value="">{t("notSaid")}</option>
          {attribute.values.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
    </>
  );
}

interface ShapeAct {
  key: string;
  kbd: string;
  run: () => void;
}

/** What can be done to this lesion now; the keys do the same. */
function shapeActs(session: RoomSession, lesion: Lesion, t: Words): ShapeAct[] {
  const allowed = session.typeOf(lesion.finding_type)?.allowed_marks ?? [];
  const may = (kind: MarkKind) => lesion.kind !== kind && allowed.includes(kind);
  const acts: ShapeAct[] = [];
  const add = (key: string, command: Command, act: (ground: Ground) => void) =>
    acts.push({
      key,
      kbd: printed(keysOf(command)[0] ?? ""),
      run: () => {
        const ground = groundOf(session);
        if (ground) act(ground);
      },
    });
  const single = !lesion.mask || lesion.mask.shape[0] === 1;
  if (lesion.kind === "box" && may("ellipse")) add(t("toEllipse"), "boxToEllipse", boxToEllipse);
  if (lesion.mask && single && may("polygon")) add(t("toPolygon"), "maskToPolygon", maskToPolygon);
  if (lesion.kind !== "point" && !lesion.mask && (allowed.includes("freehand") || allowed.includes("polygon"))) {
    add(t("snap"), "snapToEdge", snapToEdge);
  }
  if (lesion.kind !== "point" && single && may("box")) add(t("toBox"), "toBox", toBox);
  if (may("mask")) add(t("toMask"), "toMask", toMask);
  if (lesion.mask && !single) add(t("interpolate"), "interpolate", interpolate);
  if (lesion.mask) {
    add(t("fillHoles"), "fillHoles", fillHoles);
    add(t("removeIslands"), "removeIslands", removeIslands);
    add(t("split"), "split", split);
  }
  if (lesion.kind !== "point") add(t("diameters"), "measureLesion", measureLesion);
  if (lesion.drawn_as) add(t("revert", { kind: t(`kind.${lesion.drawn_as.kind}`) }), "revert", revert);
  return acts;
}

/** Area or volume, and what the pixels inside are like. */
function StatisticsLines({ lesion }: { lesion: Lesion }) {
  const t = useWords();
  const session = useSession();
  // The numbers come with the slices that are loaded.
  useView((state) => state.loaded);
  const region = regionOf(session, lesion);
  if (!region) return null;
  const extent = extentText(session, region);
  return (
    <>
      <span className="q sm">{t(region.shape[0] > 1 ? "stats.volume" : "stats.area")}</span>
      <span className="sm num" data-testid="extent">
        {extent}
      </span>
      <span className="q sm">{t("stats.values")}</span>
      <span className="sm num" data-testid="statistics">
        {statisticsText(session, region, t).join(t("comma")) || t("stats.loading")}
      </span>
    </>
  );
}

/** "accepted from model 1", "edited from model 2, moved 0.6 mm", "drawn". */
function provenance(session: RoomSession, lesion: Lesion, t: Words): string {
  if (lesion.origin === "reviewed") return reviewedFrom(session, lesion, t);
  const position = session.findings.findIndex((finding) => finding.id === lesion.origin_lesion);
  const finding = session.findings[position];
  if (!finding) return t(lesion.origin === "drawn" ? "origin.drawn" : "origin.model");
  const from = t(lesion.origin === "accepted" ? "origin.accepted" : "origin.edited", { n: position + 1 });
  const moved = movedBy(session, finding, lesion);
  return moved && lesion.origin === "edited" ? `${from}${t("comma")}${t("origin.moved", { by: moved })}` : from;
}

/** "Amina's mark 2, moved 0.6 mm": of whose reading this one is an edit. */
function reviewedFrom(session: RoomSession, lesion: Lesion, t: Words): string {
  const { revises } = session.room.reading;
  const marks = session.room.others.find(({ id }) => id === revises?.reading)?.lesions ?? [];
  const position = marks.findIndex(({ id }) => id === lesion.origin_lesion);
  const mark = marks[position];
  if (!mark) return t("origin.reviewed");
  const from = t("origin.reviewedOf", { name: revises?.reader.name, n: position + 1 });
  const moved = movedBy(session, mark, lesion);
  return moved && !moved.startsWith("0.0") ? `${from}${t("comma")}${t("origin.moved", { by: moved })}` : from;
}

/** Distance between the two centres, in mm where the spacing is known. */
function movedBy(session: RoomSession, finding: Lesion, lesion: Lesion): string | null {
  const before = centre(finding, session.masks.gridOf(finding.mask));
  const after = centre(lesion, session.masks.gridOf(lesion.mask));
  if (!before || !after) return null;
  const spacing = session.frames[session.frameIndexOf(lesion)]?.spacing;
  const [perRow, perColumn] = spacing ?? [1, 1];
  const distance = Math.hypot((after[0] - before[0]) * perColumn, (after[1] - before[1]) * perRow);
  return `${decimal(distance, 1)}\u00a0${spacing ? "mm" : "px"}`;
}

function centre(lesion: Lesion, grid: MaskGrid | null): [number, number] | null {
  if (!lesion.mask) return centreOf(lesion.kind, lesion.points);
  if (!grid) return null;
  const [frames, rows, columns] = grid.shape;
  let [x, y, n] = [0, 0, 0];
  for (let i = 0; i < frames * rows * columns; i++) {
    if (!grid.data[i]) continue;
    x += i % columns;
    y += Math.floor(i / columns) % rows;
    n += 1;
  }
  return n ? [x / n + grid.origin[2] + 0.5, y / n + grid.origin[1] + 0.5] : null;
}
