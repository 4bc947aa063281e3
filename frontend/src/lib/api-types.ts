/**
 * What the API under /api/v1 sends and takes: the schema's types (api-schema.ts, from docs/openapi.yaml) under the
 * names by which the pages know them. What the schema cannot say (pairs, free documents) is narrowed here.
 */
import type { components } from "@/lib/api-schema";

type S = components["schemas"];
/** `Base` with some properties told more exactly. */
type Narrowed<Base, Exact> = Omit<Base, keyof Exact> & Exact;
type Pair = [number, number];
type Triple = [number, number, number];

export type Role = S["RoleEnum"];
export type Split = S["SplitEnum"];
export type Arm = S["ArmEnum"];
export type Unit = S["UnitEnum"];
export type MarkKind = S["MarkKindEnum"];
export type DeidProfile = S["DeidProfileEnum"];
export type DeidOption = S["DeidOptionEnum"];

// People and projects

export type Person = S["Person"];
export type Member = S["Member"];
/** An answer always holds what a request may leave out. */
export type ProjectBrief = Required<S["MyProject"]>;
export type Me = Narrowed<Required<S["Me"]>, { projects: ProjectBrief[]; room: S["RoomPreferences"] }>;
export type Token = Narrowed<Required<S["Token"]>, { scopes: string[] }>;
export type Attribute = S["Attribute"];
export type FindingType = S["FindingType"];
export type FindingTypeIn = Omit<FindingType, "id" | "since_version" | "retired_in_version">;
export type Project = S["Project"];
export type ProjectIn = S["ProjectInRequest"];
export type ProjectChange = S["PatchedProjectChangeRequest"];

// Worklist

export type WorkState = S["WorklistRowStateEnum"];
export type WorkFilter = keyof S["WorklistCounts"];
export type WorkOrder = "priority" | "name" | "changed" | "score";
export type ReasonKind = S["WorklistReasonKindEnum"];
export type WorkRow = S["WorklistRow"];
export type Worklist = S["Worklist"];
/** A name that stands in an image, as somebody saw it; open until a lead has looked. */
export type NameReport = S["BurntInReport"];
export type Pace = S["Pace"];
/** Why a reading is a draft again: what the reviewer said, and who said it. */
export type SentBack = S["SentBack"];
export type WorkingReader = S["WorkingReader"];

// Reading room

/** Frame, row and column: of the mask's first voxel, and how many. */
export type MaskRef = Narrowed<S["Mask"], { origin: Triple; shape: Triple }>;
/** `points` are (column, row); the top-left corner of the image is (0, 0). */
export type DrawnAs = Narrowed<S["DrawnAs"], { points: Pair[]; mask: MaskRef | null }>;
/** The clicks, strokes and box from which a tool made a mask; `version` null for a tool without a model. */
export type Prompted = Narrowed<
  S["Prompted"],
  {
    positive: Pair[];
    negative: Pair[];
    box: [Pair, Pair] | null;
    strokes?: { positive: boolean; points: Pair[] }[];
  }
>;
export type Lesion = Narrowed<
  S["Lesion"],
  {
    points: Pair[];
    mask: MaskRef | null;
    drawn_as: DrawnAs | null;
    /** Left out: drawn by hand. */
    prompted?: Prompted | null;
    /** The server's: marked before or after the model was revealed. */
    look?: S["Lesion"]["look"];
  }
>;
export type GenericNetwork = S["GenericNetwork"];
/** The outline of what was pointed at, by a model version; its run-length blob in base64. */
export type Segmented = Narrowed<
  S["Segment"],
  { mask: Narrowed<S["SegmentMask"], { origin: Triple; shape: Triple }> | null }
>;
export type MeasurementKind = S["MeasurementKindEnum"];
/** No lesion: it trains nothing. */
export type Measurement = Narrowed<S["Measurement"], { points: Pair[] }>;
/** A submitted reading of the patient's earlier study. */
export type PriorReading = S["PriorReading"];
export type DecisionKind = S["DecisionKindEnum"];
export type Decision = Narrowed<
  S["Decision"],
  { lesion: string | null; at_seconds?: number | null; at_once?: boolean }
>;
export type Verdict = S["Reading"]["verdict"];
export type Reading = Narrowed<
  S["Reading"],
  { lesions: Lesion[]; decisions: Decision[]; measurements: Measurement[] }
>;
export type RoomInstance = Narrowed<S["RoomInstance"], { pixel_spacing: Pair | null }>;
/** `froc`: threshold, false positives per image, sensitivity; from strict to lax. */
export type Froc = Narrowed<S["Froc"], { points: Triple[] }>;
/** Scores of findings are raw; `probabilities` (by finding) is what calibration makes of them, null while there is none. */
export type RoomModel = Narrowed<S["RoomModel"], { findings: Lesion[]; froc: Froc | null }>;
/** A room as opening the case answers it. A look without opening (GET) may be without a reading. */
export type Room = Narrowed<
  S["Room"],
  {
    series: Narrowed<S["RoomSeries"], { instances: RoomInstance[] }>;
    reading: Reading;
    model: RoomModel | null;
    others: Reading[];
  }
>;

/** Another case of the patient, as images alone. */
export type RelatedCase = Narrowed<S["RelatedCase"], { series: Room["series"] }>;
export type RelatedStudy = Narrowed<S["RelatedStudy"], { cases: RelatedCase[] }>;
export type Related = Narrowed<S["Related"], { studies: RelatedStudy[] }>;
export type RoomPreferences = S["RoomPreferences"];

// Reviews

export type ReviewState = keyof S["ReviewCounts"];
export type ReadBy = S["ReviewPerson"];
export type Review = S["Review"];
export type ReviewRow = S["ReviewRow"];
export type ReviewQueue = S["ReviewQueue"];

// Imports

export type ImportState = S["ImportRunStateEnum"];
export type ItemState = S["ImportItemStateEnum"];
export type ImportOptions = S["ImportOptions"];
export type ImportFormat = S["ImportFormat"];
export type FormatOption = S["FormatOption"];
export type ImportRun = S["ImportRun"];

// Quarantine

/** Column, row, width, height in pixels of the image. */
export type Rectangle = [number, number, number, number];
export type QuarantinedFile = Narrowed<S["QuarantinedFile"], { proposed: Rectangle[] }>;
export type QuarantineGroup = S["QuarantineGroup"];
export type Quarantine = Narrowed<S["Quarantine"], { results: QuarantinedFile[] }>;
export type PixelRule = Narrowed<S["PixelRule"], { rectangles: Rectangle[] }>;
export type KnownIdentity = S["Identity"];
export type IdentityTable = S["IdentityTable"];
export type ImportItem = S["ImportItem"];
export type SplitCounts = S["SplitCounts"];
export type WaitingReadings = S["WaitingReadings"];

// Exports

export type ReaderKind = S["ReaderKindEnum"];
export type ExportFormat = S["ExportFormat"];
export type ExportOrder = S["ExportOrderRequest"];
export type ExportPreview = S["ExportPreview"];
export type ExportRun = S["ExportRun"];
export type ExportState = ExportRun["state"];
export type ExportLoss = S["Loss"];

// Learning and models

export type Metric = S["Metric"];
/** `loss`: step and training loss. */
export type Round = Narrowed<S["Round"], { loss: Pair[] }>;
export type RoundRow = S["RoundRow"];
export type RoundReason = S["RoundReason"];
export type Policy = Required<S["Policy"]>;
export type CurvePoint = S["CurvePoint"];
export type NextCase = S["DrawnCase"];
export type Forecast = S["Forecast"];
/** What versions are compared by: Dice, or the AUC of image findings where VALIDATION shows no lesion. */
export type LeadingMetric = S["MetricEnum"];
export type Learning = Narrowed<S["Learning"], { policy: Policy; live: Round | null; last: Round | null }>;
export type ModelState = S["ModelStateEnum"];
export type ModelRow = S["ModelRow"];
/** Scores that stand together: their mean, the share that came true with its interval, and how many. */
export interface ReliabilityBin {
  start: number;
  end: number;
  mean: number;
  share: number;
  low: number;
  high: number;
  n: number;
  n_patients: number;
}
/** `name`: "lesion", "any", "type:3" or "finding:4"; `counts`: scores in each tenth; without bins `note` says why. */
export interface Reliability {
  name: string;
  raw: ReliabilityBin[];
  calibrated: ReliabilityBin[];
  counts: { raw: number[]; calibrated: number[] };
  /** The expected calibration error of scores that are exactly right; versions measured earlier have none. */
  perfection?: { raw: Perfection | null; calibrated: Perfection | null };
  note: string;
}
export interface Perfection {
  mean: number;
  p95: number;
}
/** `froc`: false positives per image, sensitivity, threshold; `froc_band`: false positives per image, low, high. */
export interface Curves {
  froc?: Triple[];
  froc_band?: Triple[];
  reliability?: Reliability[];
}
export type Subgroup = S["Subgroup"];
export type Evaluation = Narrowed<S["Evaluation"], { curves: Curves }>;
export type EvaluatedCase = S["EvaluatedCase"];
export type EvaluatedCases = S["EvaluatedCases"];

/** A curve fitted on VALIDATION, or "none" with its reason; slopes of the outcome over the score before and after. */
export interface CalibrationEntry {
  method: string;
  slope: number | null;
  intercept: number | null;
  n: number;
  n_positive: number;
  n_patients: number;
  slope_before: Metric | null;
  slope_after: Metric | null;
  note: string;
}
export interface Calibration {
  method?: string;
  note?: string;
  lesion?: CalibrationEntry;
  outputs?: Record<string, CalibrationEntry>;
}

export interface GateCheck {
  check: string;
  value: number;
  chance: number;
  low: number | null;
  high: number | null;
  n_patients: number;
  n_positive: number;
  passed: boolean;
}
/** What the gate asked and found; versions of earlier gates have neither `reasons` nor `proof`. */
export interface Gate {
  against?: number | null;
  n_patients?: number;
  margin?: number | null;
  proof?: GateCheck[];
  metrics?: { metric: string; difference: number; low: number; high: number }[];
  /** Of how many patients the intervals would be narrow enough for the margin, where they alone are in the way. */
  needed_patients?: number | null;
  reasons?: string[];
  decision?: "serves" | "waits";
  text?: string;
}

export type Comparison = S["Comparison"];
export type ComparedCase = S["ComparedCase"];
export type Onnx = S["Onnx"];
export type Promotion = S["Promotion"];
export type CardWords = S["CardWords"];

export interface Counted {
  group: string;
  n_cases: number;
  n_lesions?: number;
}
/** A limit's code, and the numbers of its sentence. */
export type Limit = { code: string } & Record<string, unknown>;
export type CardEvaluation = Narrowed<
  S["CardEvaluation"],
  { perfection: Record<string, { raw: Perfection | null; calibrated: Perfection | null } | null> }
>;
export type ModelCard = Narrowed<
  S["ModelCard"],
  {
    project: { slug: string; name: string; question: string; modality: string; unit: string; synthetic: boolean };
    version: {
      number: number;
      state: ModelState;
      created_at: string;
      parent: number | null;
      weights_sha256: string;
      code_version: string;
      display_threshold: number;
      released_at: string | null;
      released_by: string | null;
    };
    training_data: {
      snapshot_sha256: string;
      frozen_at: string | null;
      n_cases: number;
      n_readings: number | null;
      n_patients: number | null;
      counts: Record<string, Counted[]>;
      changed_since: number;
    };
    training: {
      start: S["StartEnum"] | null;
      steps: number;
      core_seconds: number;
      seed: number;
      image_size: number | null;
      ct_window: [number, number] | null;
      recipe: { rate: number; batch: number; flip: boolean; precision: string } | null;
      net: { widths: number[]; encoder?: string } | null;
      unread: number | null;
      environment: {
        torch: string;
        machine: string;
        instructions: string;
        threads: number;
        processes?: number;
      } | null;
    };
    gate: Gate;
    validation: CardEvaluation | null;
    holdout: CardEvaluation | null;
    holdout_looks: { version: number; project: number };
    calibration: Calibration;
    limits: Limit[];
  }
>;

export type ModelVersion = Narrowed<
  S["ModelVersion"],
  { gate: Gate; calibration: Calibration; evaluations: Evaluation[] }
>;

// Questions put to the labels

export type Inquiry = S["Inquiry"];
export type InquiryAnswer = S["InquiryAnswer"];
export type SecondLook = S["SecondLook"];
export type LabelledCase = S["LabelledCase"];
export type DoubtedCase = S["DoubtedCase"];
export type NearDuplicatePair = S["NearDuplicatePair"];
// Inside a model version

/** Bytes of the pictures, little-endian. */
export interface ArrayRef {
  offset: number;
  type: "uint8" | "int16" | "float32";
  shape: number[];
}
/** Maps as bytes, each from its own lowest to its own highest value. */
export interface ScaledMaps {
  array: ArrayRef;
  low: number[];
  high: number[];
}
export interface SeenFilters {
  module: string;
  inputs: number;
  array: ArrayRef;
  norms: number[];
}
/** `factor`: 2 halves, 0.5 doubles; `spans`: per axis first and last pixel of the input that each value sees. */
export interface SeenLayer {
  name: string;
  channels: number;
  size: Pair;
  sees: Pair | null;
  spans: [[ArrayRef, ArrayRef], [ArrayRef, ArrayRef]] | null;
  steps: { function: string; factor: number[] }[];
  maps: ScaledMaps & { kept: number[]; strengths: number[] };
  filters: SeenFilters[];
}
/** `heads`, `all`: mean rank correlation with the map of a network whose weights are in random order. */
export type SaliencyMap = ScaledMaps & { layer: string; heads: number | null; all: number | null };
export interface SeenTarget {
  kind: "lesion" | "finding" | "marked";
  finding_type: number | null;
  score: number | null;
  mask: ArrayRef | null;
  maps: SaliencyMap[];
}
export interface SeenInput {
  size: number;
  channels: number;
  content: Pair;
  image: Pair;
  mean: number;
  deviation: number;
  array: ArrayRef;
}
export interface Seen {
  input: SeenInput;
  parameters: number;
  layers: SeenLayer[];
  shown_first: string;
  targets: SeenTarget[];
}
/** Of a person's lesion only `targets` are there. */
export type Inspection = Narrowed<S["Inspection"], { seen: Seen | null }>;
export type InspectableCases = S["InspectableCases"];

// Remote PACS

export type RemoteNode = S["Node"];
export type RemoteNodeIn = S["NodeInRequest"];
export type RemoteNodeChange = S["PatchedNodeFieldsRequest"];
export type Pacs = S["Pacs"];
export type NodeAnswer = S["NodeAnswer"];
export type SearchKeys = S["SearchKeysRequest"];
export type FoundStudy = S["FoundStudy"];
export type FoundStudies = S["FoundStudies"];
export type FoundSeries = S["FoundSeries"];
export type WantedStudy = S["WantedRequest"];
export type Transfer = S["Transfer"];
export type TransferOutcome = S["Outcome"];
export type SendableReading = S["Sendable"];

// Jobs

export type Job = S["Job"];

// What is told to others, and what is followed

export type Webhook = S["Webhook"];
export type WebhookChange = S["PatchedWebhookChangeRequest"];
export type Delivery = S["Delivery"];
export type WatchedSource = S["WatchedSource"];
export type WatchedSources = S["WatchedSources"];
export type WatchedFiles = S["WatchedFiles"];
export type ForeignModel = S["ForeignModel"];
