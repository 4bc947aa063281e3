/** What the room shows and which tool is in hand; nothing of it is saved. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type {
  FindingType,
  GenericNetwork,
  Lesion,
  MarkKind,
  Measurement,
  MeasurementKind,
  Verdict,
} from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import type { NoModel } from "../api/segment";
import type { MaskGrid } from "../geometry/mask-grid";
import type { PointAct } from "../geometry/pointing";
import type { Doing } from "./keymap";

export type BrushTool = "brush" | "sphereBrush" | "thresholdBrush" | "dynamicBrush" | "eraser";
export type ContourTool = "polygon" | "spline" | "livewire";
export type MarkTool =
  | "box"
  | "ellipse"
  | "circle"
  | ContourTool
  | "freehand"
  | "point"
  | BrushTool
  | "lasso"
  | "scissors"
  | "fillHole"
  | "segment"
  | "scribble"
  | "grow";
export type MeasureTool = MeasurementKind;
export type Tool = "window" | "pan" | "zoom" | "select" | MarkTool | MeasureTool;

/** The kinds of mark that a tool makes, the one it would rather make first. */
const KINDS_OF: Record<MarkTool, MarkKind[]> = {
  box: ["box"],
  ellipse: ["ellipse"],
  circle: ["ellipse"],
  polygon: ["polygon"],
  spline: ["freehand", "polygon"],
  livewire: ["freehand", "polygon"],
  freehand: ["freehand"],
  point: ["point"],
  brush: ["mask"],
  sphereBrush: ["mask"],
  thresholdBrush: ["mask"],
  dynamicBrush: ["mask"],
  eraser: ["mask"],
  lasso: ["mask"],
  scissors: ["mask"],
  fillHole: ["mask"],
  segment: ["mask"],
  scribble: ["mask"],
  grow: ["mask"],
};

const BRUSHES: readonly Tool[] = ["brush", "sphereBrush", "thresholdBrush", "dynamicBrush", "eraser"];
const CONTOURS: readonly Tool[] = ["polygon", "spline", "livewire"];
const MEASURES: readonly Tool[] = ["length", "bidirectional", "angle", "roi", "arrow"];

export const isMarkTool = (tool: Tool): tool is MarkTool => tool in KINDS_OF;
export const isBrushTool = (tool: Tool): tool is BrushTool => BRUSHES.includes(tool);
export const isContourTool = (tool: Tool): tool is ContourTool => CONTOURS.includes(tool);
/** Whether the tool points at a lesion, for the model to outline. */
export const isPointingTool = (tool: Tool): tool is "segment" | "scribble" =>
  tool === "segment" || tool === "scribble";
export const isMeasureTool = (tool: Tool): tool is MeasureTool => MEASURES.includes(tool);

/** The kind of mark that a tool makes, of those that are allowed. */
export function kindOfTool(tool: MarkTool, allowed: readonly MarkKind[] = []): MarkKind {
  const kinds = KINDS_OF[tool];
  return kinds.find((kind) => allowed.includes(kind)) ?? (kinds[0] as MarkKind);
}

/** Tools that take away from masks which are there need nobody's leave. */
export function mayUse(tool: Tool, type: FindingType | undefined): boolean {
  if (!isMarkTool(tool) || !type || tool === "eraser" || tool === "scissors") return true;
  return KINDS_OF[tool].some((kind) => type.allowed_marks.includes(kind));
}

export type ReasonFor = Extract<Verdict, "not_readable" | "deferred">;

/** A shape while it is drawn. */
export type Draft =
  | { kind: "box" | "ellipse" | "freehand"; points: Point[] }
  | { kind: "polygon"; tool: ContourTool | "angle"; points: Point[]; pointer: Point | null; line: Point[] }
  | { kind: "measurement"; measurement: Measurement }
  | { kind: "mask"; outlines: Point[][] }
  | PointDraft;

/** What is made of the clicks, strokes and boxes up to one of them: by a model version, or without one and why. */
export interface Outline {
  grid: MaskGrid | null;
  outlines: Point[][];
  version: number | null;
  /** The general-purpose network that outlined, where it was none of the project's. */
  generic: GenericNetwork | null;
  why: NoModel | null;
}

/** A lesion that is pointed at: the acts in turn, each with its outline as soon as that is there. */
export interface PointDraft {
  kind: "point";
  id: string;
  /** The frame that is pointed at. */
  index: number;
  steps: { act: PointAct; outline: Outline | null }[];
  /** A box or stroke while it is dragged. */
  drag: PointAct | null;
}

export interface RoomUi {
  tool: Tool;
  activeType: number | null;
  brushSize: number;
  /** What the threshold brush takes, in the image's values (HU for CT); null until it was first needed. */
  range: { low: number; high: number } | null;
  /** How far a grown region reaches from where it began: mm, or pixels where the spacing is not known. */
  growRadius: number;
  fill: boolean;
  /** Of the filling. */
  opacity: number;
  colourBy: "type" | "reader";
  overlays: boolean;
  marksHidden: boolean;
  /** While M is held: the model's originals of what was decided. */
  originals: boolean;
  hidden: ReadonlySet<string>;
  /** Marks that the pointer does not take hold of. */
  locked: ReadonlySet<string>;
  /** Marks chosen beside the selected one, to be merged with it. */
  alsoSelected: ReadonlySet<string>;
  selectedMeasurement: string | null;
  measurementPreview: Measurement | null;
  othersShown: ReadonlySet<string>;
  /** The predicted lesion that waits for the reason of its rejection. */
  rejecting: string | null;
  reasonFor: ReasonFor | null;
  /** What is to be said to the reader whose reading is sent back, while that is asked; written in the field, or not yet. */
  sendBack: { text: string } | null;
  /** The attribute of the selected lesion whose value the digits choose. */
  attributeInHand: string | null;
  hint: { key: string; values?: Record<string, unknown> } | null;
  keysShown: boolean;
  conflictShown: boolean;
  /** The frame (from 1) of the image in which a name stands, while it is asked whether that is to be reported. */
  nameReport: { sop: string; frame: number } | null;
  /** The report of the examination at full length. */
  reportOpen: boolean;
  left: boolean;
  /** CSS pixels; null as long as nobody chose it. */
  leftWidth: number | null;
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
type Kept = "tool" | "brushSize" | "growRadius" | "fill" | "opacity" | "colourBy" | "overlays" | "left" | "right";
const remembered: Partial<Pick<RoomUi, Kept>> = {};

export function createRoomUi(
  types: FindingType[],
  isReadonly: boolean,
  leftWidth: number | null = null,
  doing: Doing = "reading",
): RoomUiStore {
  const isReview = doing === "review";
  const first = types.find((type) => type.scope === "lesion") ?? null;
  const wanted = remembered.tool ?? "box";
  const fits = !isMarkTool(wanted) || (first && mayUse(wanted, first));
  const tool = fits ? wanted : (toolOf(first?.allowed_marks[0]) ?? "select");
  const store = createStore<RoomUi>(() => ({
    tool: isReadonly && (isMarkTool(tool) || isMeasureTool(tool)) ? "window" : tool,
    activeType: first?.id ?? null,
    brushSize: remembered.brushSize ?? 9,
    range: null,
    growRadius: remembered.growRadius ?? 20,
    fill: remembered.fill ?? false,
    opacity: remembered.opacity ?? 0.22,
    // Under review it is seen at once whose marks these are; how one colours one's own is another question.
    colourBy: isReview ? "reader" : (remembered.colourBy ?? "type"),
    overlays: remembered.overlays ?? true,
    marksHidden: false,
    originals: false,
    hidden: new Set(),
    locked: new Set(),
    alsoSelected: new Set(),
    selectedMeasurement: null,
    measurementPreview: null,
    othersShown: new Set(),
    rejecting: null,
    reasonFor: null,
    sendBack: null,
    attributeInHand: null,
    hint: null,
    keysShown: false,
    conflictShown: true,
    nameReport: null,
    reportOpen: false,
    left: remembered.left ?? true,
    leftWidth,
    right: remembered.right ?? true,
    draft: null,
    hover: null,
    preview: null,
    painting: null,
  }));
  store.subscribe(({ tool, brushSize, growRadius, fill, opacity, colourBy, overlays, left, right }) => {
    Object.assign(remembered, { brushSize, growRadius, fill, opacity, overlays, left, right });
    if (!isReview) Object.assign(remembered, { tool, colourBy });
  });
  return store;
}

function toolOf(kind: MarkKind | undefined): MarkTool | null {
  if (!kind) return null;
  return kind === "mask" ? "brush" : kind;
}
