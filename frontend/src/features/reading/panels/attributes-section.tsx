/** The selected lesion: where it came from, its attributes, its shape. */
import { useTranslation } from "react-i18next";
import type { Attribute, Lesion } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import { Button } from "@/ui/button";
import { Segmented } from "@/ui/segmented";
import { centreOf } from "../geometry/mark";
import type { MaskGrid } from "../geometry/mask-grid";
import { boxToEllipse, maskToPolygon } from "../marks/edit-mark";
import { groundOf } from "../marks/gesture";
import { changeLesion } from "../state/edits";
import type { RoomSession } from "../state/room-session";
import { useMasks, useReading, useSession } from "../state/session-context";
import { useWords, type Words } from "../state/use-words";

export function AttributesSection() {
  const t = useWords();
  const session = useSession();
  useMasks();
  const lesion = useReading((state) => state.doc.lesions.find((one) => one.id === state.selected));
  const index = useReading((state) => state.doc.lesions.findIndex((one) => one.id === state.selected));
  if (!lesion) return null;
  const type = session.typeOf(lesion.finding_type);
  const set = (name: string, value: string) =>
    session.edit((doc) => {
      const { [name]: known, ...rest } = lesion.attributes;
      return changeLesion(doc, { ...lesion, attributes: known === value ? rest : { ...rest, [name]: value } });
    });
  const reshape = shapeActs(session, lesion);
  return (
    <section className="sect" data-testid="attributes">
      <div className="sh">
        {type?.name} {index + 1}
        <span className="grow" />
        <span className="q xs num">{provenance(session, lesion, t)}</span>
      </div>
      <div className="rr-attributes">
        {type?.attributes.map((attribute) => (
          <AttributeLine
            key={attribute.name}
            attribute={attribute}
            value={lesion.attributes[attribute.name] ?? ""}
            disabled={session.isReadonly}
            onChange={(value) => set(attribute.name, value)}
          />
        ))}
        {reshape.length && !session.isReadonly ? (
          <>
            <span className="q sm">{t("shape")}</span>
            <div className="row" style={{ gap: 6 }}>
              {reshape.map(({ key, kbd, run }) => (
                <Button key={key} dense kbd={kbd} onClick={run}>
                  {t(key)}
                </Button>
              ))}
            </div>
          </>
        ) : null}
      </div>
    </section>
  );
}

interface LineProps {
  attribute: Attribute;
  value: string;
  disabled: boolean;
  onChange: (value: string) => void;
}

/** Pixels that the narrow panel leaves for the values side by side. */
const ROOM = 196;

function AttributeLine({ attribute, value, disabled, onChange }: LineProps) {
  const { t } = useTranslation("reading");
  const width = attribute.values.reduce((sum, one) => sum + 10 + 6.4 * one.length, 0);
  const fits = attribute.values.length <= 6 && width <= ROOM;
  return (
    <>
      <span className="q sm">{attribute.name}</span>
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

function shapeActs(session: RoomSession, lesion: Lesion): { key: string; kbd: string; run: () => void }[] {
  const allowed = session.typeOf(lesion.finding_type)?.allowed_marks ?? [];
  const run = (act: typeof boxToEllipse) => () => {
    const ground = groundOf(session);
    if (ground) act(ground);
  };
  if (lesion.kind === "box" && allowed.includes("ellipse")) {
    return [{ key: "toEllipse", kbd: "⇧B", run: run(boxToEllipse) }];
  }
  if (lesion.mask?.shape[0] === 1 && allowed.includes("polygon")) {
    return [{ key: "toPolygon", kbd: "⇧Y", run: run(maskToPolygon) }];
  }
  return [];
}

/** "accepted from model 1", "edited from model 2, moved 0.6 mm", "drawn". */
function provenance(session: RoomSession, lesion: Lesion, t: Words): string {
  const position = session.findings.findIndex((finding) => finding.id === lesion.origin_lesion);
  const finding = session.findings[position];
  if (!finding) return t(lesion.origin === "drawn" ? "origin.drawn" : "origin.model");
  const from = t(lesion.origin === "accepted" ? "origin.accepted" : "origin.edited", { n: position + 1 });
  const moved = movedBy(session, finding, lesion);
  return moved && lesion.origin === "edited" ? `${from}${t("comma")}${t("origin.moved", { by: moved })}` : from;
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
