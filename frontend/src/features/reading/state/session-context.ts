import { createContext, useContext, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import type { Point } from "@/lib/imaging/coordinates";
import type { StackView, ViewState } from "@/lib/imaging/stack-view";
import type { Display } from "./display";
import type { ReadingState } from "./reading-store";
import type { OpenedRoom } from "./review-room";
import type { RoomSession } from "./room-session";
import type { RoomUi } from "./room-ui";
import type { SaveStatus } from "./save-queue";

/** `room` is new after the reveal, so that everything that asks the session looks again. */
export const SessionContext = createContext<{ session: RoomSession; room: OpenedRoom } | null>(null);

export function useSession(): RoomSession {
  const known = useContext(SessionContext);
  if (!known) throw new Error("No reading room around this");
  return known.session;
}

export const useReading = <T>(pick: (state: ReadingState) => T): T => useStore(useSession().store, pick);
export const useUi = <T>(pick: (state: RoomUi) => T): T => useStore(useSession().ui, pick);
export const useDisplay = <T>(pick: (state: Display) => T): T => useStore(useSession().display, pick);
export const useSlicesSeen = () => useStore(useSession().slices.store);
export const useMasks = () => useStore(useSession().masks.store);

export function useSaveStatus(): SaveStatus {
  const { queue } = useSession();
  return useSyncExternalStore(queue.subscribe, () => queue.status);
}

export function useActiveSeconds(): number {
  const { clock } = useSession();
  return useSyncExternalStore(clock.subscribe, () => clock.seconds);
}

/** The view around this and where the pointer is on its image; outside of other panes, those of the case. */
export const PaneContext = createContext<{ view: StackView; at: Point | null } | null>(null);

export function usePaneView(): StackView {
  const session = useSession();
  const view = useContext(PaneContext)?.view ?? session.view;
  if (!view) throw new Error("The view is not there yet");
  return view;
}

export function useHover(): Point | null {
  const pane = useContext(PaneContext);
  const own = useUi((state) => state.hover);
  return pane ? pane.at : own;
}

export const useView = <T>(pick: (state: ViewState) => T): T => useStore(usePaneView().store, pick);

/** The state of the view that the bar and the keys speak to. */
export function useActiveView<T>(pick: (state: ViewState) => T): T {
  const session = useSession();
  useDisplay((state) => state.active);
  const view = session.activeView;
  if (!view) throw new Error("The view is not there yet");
  return useStore(view.store, pick);
}
