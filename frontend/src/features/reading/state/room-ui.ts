/** What the room shows and which tool is in hand; nothing of it is saved. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { FindingType, Lesion, MarkKind, Verdict } from "@/lib/api-types";
import type { Point } from "@/lib/cornerstone/coordinates";

export type MarkTool = "box" | "ellipse" | "polygon" | "freehand" | "brush" | "eraser";
export type Tool = "window" | "pan" | "zoom" | "select" | MarkTool;

export const MARK_TOOLS: MarkTool[] = ["box", "ellipse", "polygon", "freehand", "brush", "eraser"];
export const isMarkTool = (tool: Tool): tool is MarkTool => (MARK_TOOLS as Tool[]).includes(tool);

/** The kind of mark that a tool makes. */
export const kindOfTool = (tool: MarkTool): MarkKind => (tool === "brush" || tool === "eraser" ? "mask" : tool);

export type ReasonFor = Extract<Verdict, "not_readable" | "deferred">;

/** A shape while it is drawn. */
export type Draft =
  | { kind: "box" | "ellipse" | "freehand"; points: Point[] }
  | { kind: "polygon"; points: Point[]; pointer: Point | null }
  | { kind: "mask"; outlines: Point[][] };

export interface RoomUi {
  tool: Tool;
  activeType: number | null;
  brushSize: number;
  fill: boolean;
  overlays: boolean;
  marksHidden: boolean;
  /** While M is held: the model's originals of what was decided. */
  originals: boolean;
  hidden: ReadonlySet<string>;
  othersShown: ReadonlySet<string>;
  /** The predicted lesion that waits for the reason of its rejection. */
  rejecting: string | null;
  reasonFor: ReasonFor | null;
  hint: { key: string; values?: Record<string, unknown> } | null;
  keysShown: boolean;
  conflictShown: boolean;
  left: boolean;
  right: boolean;
  draft: Draft | null;
  /** Where the pointer is on the image, outside of it too; null when it is elsewhere. */
  hover: Point | null;
  /** A stored lesion while it is pulled: drawn instead of what is stored. */
  preview: Lesion | null;
  /** The lesion whose mask is painted on, drawn as the draft meanwhile. */
  painting: string | null;
}

export type RoomUiStore = StoreApi<RoomUi>;

/** Kept from case to case: a reader who marks with the brush goes on with the brush. */
const remembered: Partial<Pick<RoomUi, "tool" | "brushSize" | "fill" | "overlays" | "left" | "right">> = {};

export function createRoomUi(types: FindingType[], isReadonly: boolean): RoomUiStore {
  const first = types.find((type) => type.scope === "lesion") ?? null;
  const wanted = remembered.tool ?? "box";
  const fits = !isMarkTool(wanted) || first?.allowed_marks.includes(kindOfTool(wanted));
  const tool = fits ? wanted : (toolOf(first?.allowed_marks[0]) ?? "select");
  const store = createStore<RoomUi>(() => ({
    tool: isReadonly && isMarkTool(tool) ? "window" : tool,
    activeType: first?.id ?? null,
    brushSize: remembered.brushSize ?? 9,
    fill: remembered.fill ?? false,
    overlays: remembered.overlays ?? true,
    marksHidden: false,
    originals: false,
    hidden: new Set(),
    othersShown: new Set(),
    rejecting: null,
    reasonFor: null,
    hint: null,
    keysShown: false,
    conflictShown: true,
    left: remembered.left ?? true,
    right: remembered.right ?? true,
    draft: null,
    hover: null,
    preview: null,
    painting: null,
  }));
  store.subscribe(({ tool, brushSize, fill, overlays, left, right }) => {
    Object.assign(remembered, { tool, brushSize, fill, overlays, left, right });
  });
  return store;
}

function toolOf(kind: MarkKind | undefined): MarkTool | null {
  if (!kind || kind === "point") return null;
  return kind === "mask" ? "brush" : kind;
}
