/** Which marks are drawn on a frame, how, and with which label: decided here, drawn by the layer. */
import type { Lesion } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import type { Point } from "@/lib/imaging/coordinates";
import type { MaskGrid } from "../geometry/mask-grid";
import { type Size, sizeOf } from "../geometry/measure";
import { same } from "../state/document";
import type { ReadingState } from "../state/reading-store";
import type { RoomSession } from "../state/room-session";
import type { RoomUi } from "../state/room-ui";

export interface DrawnMark {
  id: string;
  lesion: Lesion;
  outlines: Point[][];
  isMask: boolean;
  colour: string;
  /** A model's guess. */
  dashed: boolean;
  selected: boolean;
  label: { model: boolean; index: number | null; name: string; value: string } | null;
}

const READER_COLOURS = ["#3ddbb0", "#f2f2f2", "#7fb2ff", "#ff8f6b"];

function readerColour(index: number): string {
  return READER_COLOURS[index % READER_COLOURS.length] as string;
}

/** The colour of another reading beside the one in hand; under review that one has the first. */
export function otherColour(session: RoomSession, position: number): string {
  return readerColour(session.review ? position + 1 : position);
}

export type MarksUi = Pick<
  RoomUi,
  "marksHidden" | "originals" | "hidden" | "othersShown" | "preview" | "painting" | "colourBy"
>;
/** When marks are coloured by who made them: the reader whose case this is, and the one whose reading is under review. */
const OWN_COLOUR = "#ffc44d";
export const readersColour = (session: RoomSession) => (session.review ? readerColour(0) : OWN_COLOUR);
const MODEL_COLOUR = "#b79dff";

export type MarksReading = Pick<ReadingState, "doc" | "selected" | "focused">;

export function drawnMarks(session: RoomSession, reading: MarksReading, ui: MarksUi, index: number): DrawnMark[] {
  if (ui.marksHidden) return [];
  const { doc, selected, focused } = reading;
  const marks: DrawnMark[] = [];
  const add = (
    lesion: Lesion,
    look: Omit<DrawnMark, "id" | "lesion" | "outlines" | "isMask" | "colour">,
    colour?: string,
  ) => {
    if (!session.isOnFrame(lesion, index)) return;
    const outlines = session.outlines(lesion, index);
    if (outlines.length === 0) return;
    const own = colour ?? session.typeOf(lesion.finding_type)?.colour ?? "#f2f2f2";
    marks.push(
      kept(lesion, { id: lesion.id, lesion, outlines, isMask: lesion.mask !== null, colour: own, ...look }),
    );
  };
  const nameOf = (lesion: Lesion) => session.typeOf(lesion.finding_type)?.name ?? "?";
  session.room.others.forEach((other, position) => {
    const isOriginal = ui.originals && other.id === session.room.reading.revises?.reading;
    if (!isOriginal && !ui.othersShown.has(other.id)) return;
    for (const lesion of other.lesions) {
      const label = { model: false, index: null, name: nameOf(lesion), value: other.reader.name };
      add(lesion, { dashed: false, selected: false, label }, otherColour(session, position));
    }
  });
  const shown = new Set(session.shownFindings(doc).map((finding) => finding.id));
  session.findings.forEach((finding, position) => {
    if (!shown.has(finding.id)) return;
    const decided = Boolean(doc.decisions[finding.id]);
    if (decided && focused !== finding.id && !ui.originals) return;
    const value = finding.score === null ? "" : decimal(finding.score);
    const label = { model: true, index: position + 1, name: nameOf(finding), value };
    const colour = ui.colourBy === "reader" ? MODEL_COLOUR : undefined;
    add(finding, { dashed: true, selected: focused === finding.id, label }, colour);
  });
  doc.lesions.forEach((stored, position) => {
    if (ui.hidden.has(stored.id) || ui.painting === stored.id) return;
    const lesion = ui.preview?.id === stored.id ? ui.preview : stored;
    const size = measured(session, lesion);
    const label = { model: false, index: position + 1, name: nameOf(lesion), value: size ? shortSize(size) : "" };
    const colour = ui.colourBy === "reader" ? readersColour(session) : undefined;
    add(lesion, { dashed: false, selected: selected === lesion.id, label }, colour);
  });
  return marks;
}

const drawn = new WeakMap<Lesion, DrawnMark>();

/** The same object for a mark that looks as it did: of two hundred lesions only the one that moves is drawn anew. */
function kept(lesion: Lesion, mark: DrawnMark): DrawnMark {
  const before = drawn.get(lesion);
  if (
    before &&
    before.outlines === mark.outlines &&
    before.colour === mark.colour &&
    before.dashed === mark.dashed &&
    before.selected === mark.selected &&
    same(before.label, mark.label)
  ) {
    return before;
  }
  drawn.set(lesion, mark);
  return mark;
}

const sizes = new WeakMap<Lesion, { grid: MaskGrid | null; size: Size | null }>();

/** The size of a lesion on its own frame; measured once, a changed lesion is another object. */
export function measured(session: RoomSession, lesion: Lesion): Size | null {
  const grid = session.masks.gridOf(lesion.mask);
  const known = sizes.get(lesion);
  if (known && known.grid === grid) return known.size;
  const spacing = session.frames[session.frameIndexOf(lesion)]?.spacing ?? null;
  const size = sizeOf(lesion, spacing, grid);
  sizes.set(lesion, { grid, size });
  return size;
}

/** "21 mm": what a label has room for. */
export function shortSize({ long, short, unit }: Size): string {
  const most = Math.max(long, short);
  return `${decimal(most, most < 10 && unit === "mm" ? 1 : 0)}\u00a0${unit}`;
}

/** "21.4 × 15.8 mm", "237 × 216 px". */
export function fullSize({ long, short, unit }: Size): string {
  const places = unit === "mm" ? 1 : 0;
  return `${decimal(long, places)} × ${decimal(short, places)}\u00a0${unit}`;
}
