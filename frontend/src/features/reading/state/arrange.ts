/** What a person does with the panes: another layout, other images in them, another active one, linked or not. */
import type { RelatedCase, RelatedStudy } from "@/lib/api-types";
import {
  type Cells,
  type GridLayout,
  type Layout,
  neighbourOf,
  nextLayout,
  placed,
  rearranged,
} from "./arrangement";
import { type Hangable, type Hanging, hangingOf } from "./hanging";
import type { RoomSession } from "./room-session";

export type Relation = RelatedStudy["relation"];

/** A case that may hang beside the one that is read, with what is known of its study. */
export interface Beside {
  images: RelatedCase;
  relation: Relation;
  date: string;
  studyDescription: string;
}

export function besideOf(session: RoomSession): Beside[] {
  const studies = session.display.getState().related?.studies ?? [];
  return studies.flatMap(({ relation, date, description, cases }) =>
    cases.map((images) => ({ images, relation, date, studyDescription: description })),
  );
}

export function hanging(session: RoomSession): Hanging {
  const { id, modality, context } = session.room.case;
  const { related } = session.display.getState();
  const own: Hangable = {
    ...{ id, modality, bodyPart: context.body_part, relation: "case" },
    ...{ laterality: related?.laterality ?? "", view: related?.view ?? "" },
  };
  const others = besideOf(session).map(
    ({ images, relation }): Hangable => ({
      ...{ id: images.id, modality: images.modality, bodyPart: images.body_part, relation },
      ...{ laterality: images.laterality, view: images.view },
    }),
  );
  return hangingOf(own, others);
}

const suggestedFor = (session: RoomSession, layout: Layout): Cells =>
  layout === "mpr" ? [session.room.case.id] : hanging(session).cells[layout];

function hang(session: RoomSession, layout: Layout, cells: Cells): void {
  const own = session.room.case.id;
  const { active } = session.display.getState();
  session.display.setState({ layout, cells, active: cells.includes(active) ? active : own });
}

/** What else there is has become known: the usual arrangement, unless the person has one of his own. */
export function hangAsUsual(session: RoomSession): void {
  const { chosen, layout } = session.display.getState();
  const usual = hanging(session);
  const wanted = chosen ? layout : usual.layout;
  hang(session, wanted, suggestedFor(session, wanted));
}

/** A person's choice: kept for all cases of the modality. */
export function chooseLayout(session: RoomSession, layout: Layout): void {
  const { cells } = session.display.getState();
  hang(session, layout, rearranged(cells, layout, suggestedFor(session, layout), session.room.case.id));
  session.display.setState({ chosen: true });
  session.keep({ layouts: { [session.room.case.modality]: layout } });
}

export const cycleLayout = (session: RoomSession): void =>
  chooseLayout(session, nextLayout(session.display.getState().layout));

/** Show a case in a pane; without a place in the active one, or beside the case that is read. */
export function show(session: RoomSession, id: string, at?: number): void {
  const own = session.room.case.id;
  const { layout, cells, active } = session.display.getState();
  if (layout === "1x1" || layout === "mpr") {
    if (id === own) return;
    hang(session, "1x2", at === undefined ? [own, id] : placed([own, null], 0, id, own));
    session.display.setState({ active: id });
    return;
  }
  if (at === undefined && cells.includes(id)) {
    session.display.setState({ active: id });
    return;
  }
  const free = cells.indexOf(null);
  const beside = cells.findIndex((one) => one !== own);
  const place = at ?? (active !== own ? cells.indexOf(active) : free >= 0 ? free : beside);
  hang(session, layout as GridLayout, placed(cells, place, id, own));
  session.display.setState({ active: id });
}

export const activate = (session: RoomSession, id: string): void => {
  if (session.display.getState().active !== id) session.display.setState({ active: id });
};

/** The pane before or after; false where there is but one. */
export function activateNeighbour(session: RoomSession, by: 1 | -1): boolean {
  const { cells, active } = session.display.getState();
  if (cells.filter(Boolean).length < 2) return false;
  activate(session, neighbourOf(cells, active, by));
  return true;
}

/** The next images of the patient in the active pane, or beside the case that is read. */
export function stepImages(session: RoomSession, by: 1 | -1): boolean {
  const own = session.room.case.id;
  const { cells, active } = session.display.getState();
  const all = besideOf(session).map(({ images }) => images.id);
  const at = active !== own ? active : (cells.find((id) => id !== null && id !== own) ?? null);
  const waiting = all.filter((id) => !cells.includes(id) || id === at);
  if (waiting.length === 0) return false;
  const from = at === null ? (by > 0 ? -1 : 0) : waiting.indexOf(at);
  const next = waiting[(from + by + waiting.length) % waiting.length] as string;
  if (at === null) show(session, next);
  else show(session, next, cells.indexOf(at));
  return true;
}

export function link(session: RoomSession, linked: boolean): void {
  session.links.link(linked);
  session.display.setState({ linked });
  session.keep({ linked });
}
