/** What the API under /api/v1 sends and takes, in the words of docs/openapi.yaml. */

export type Role = "reader" | "reviewer" | "lead";
export type Split = "POOL" | "VALIDATION" | "HOLDOUT" | "EMBARGOED";
export type Arm = "assisted" | "blinded";
export type Unit = "image" | "series";
export type MarkKind = "box" | "ellipse" | "polygon" | "freehand" | "point" | "mask";

// People and projects

export interface Me {
  username: string;
  full_name: string;
  initials: string;
  language: string;
  must_change_password: boolean;
  may_create_projects: boolean;
  is_admin: boolean;
  key_bindings: Record<string, string>;
  projects: ProjectBrief[];
}

export interface ProjectBrief {
  slug: string;
  name: string;
  role: Role;
  modality: string;
  unit: Unit;
  synthetic: boolean;
}

export interface Person {
  username: string;
  full_name: string;
}

export interface Member extends Person {
  role: Role;
}

export interface Token {
  id: number;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

export interface Attribute {
  name: string;
  values: string[];
}

export interface FindingType {
  id: number;
  scope: "lesion" | "image";
  name: string;
  colour: string;
  key: string;
  allowed_marks: MarkKind[];
  code_scheme: string;
  code_value: string;
  code_meaning: string;
  attributes: Attribute[];
  position: number;
  since_version: number;
  retired_in_version: number | null;
}

export type FindingTypeIn = Omit<FindingType, "id" | "since_version" | "retired_in_version">;

export interface Project {
  id: string;
  slug: string;
  name: string;
  question: string;
  modality: string;
  unit: Unit;
  synthetic: boolean;
  archive: { slug: string; name: string; deid_profile: string };
  vocabulary_version: number;
  validation_share: number;
  holdout_share: number;
  blinded_share: number;
  readings_wanted: number;
  laterality_matters: boolean;
  display_threshold: number;
  role: Role;
  finding_types: FindingType[];
  counts: { cases: number; open: number; submitted: number };
}

export interface ProjectIn {
  name: string;
  slug?: string;
  question: string;
  modality: string;
  unit: Unit;
  archive?: string;
  deid_profile: string;
  validation_share: number;
  holdout_share: number;
  blinded_share: number;
  readings_wanted: number;
  laterality_matters: boolean;
  finding_types: FindingTypeIn[];
  members: { username: string; role: Role }[];
}

// Worklist

export type WorkState = "to_read" | "in_progress" | "submitted" | "deferred";
export type WorkFilter = "all" | WorkState;
export type WorkOrder = "priority" | "name" | "changed";
export type ReasonKind = "random" | "uncertain" | "likely" | "imported" | "first";

export interface WorkRow {
  id: string;
  name: string;
  state: WorkState;
  blinded: boolean;
  reason: { kind: ReasonKind; detail: string } | null;
  top_score: number | null;
  n_findings: number | null;
  /** Findings decided so far, of a case in progress. */
  n_decided: number | null;
  note: string;
  changed_at: string | null;
  modality: string;
  n_frames: number;
  thumbnail: string;
  leased_by: string | null;
  /** Leads only. */
  split?: Split;
  arm?: Arm | null;
  source_name?: string;
}

export interface Worklist {
  counts: Record<WorkFilter, number>;
  total: number;
  results: WorkRow[];
}

export interface Pace {
  today: number;
  median_seconds: number | null;
  low_seconds: number | null;
  high_seconds: number | null;
  days: { date: string; count: number }[];
  submitted: number;
  total: number;
  decisions: { accepted: number; edited: number; rejected: number };
  continue: WorkRow | null;
}

// Reading room

export interface MaskRef {
  origin: [number, number, number];
  shape: [number, number, number];
  digest: string;
}

export interface Lesion {
  id: string;
  finding_type: number;
  kind: MarkKind;
  sop_instance_uid: string;
  frame: number;
  points: [number, number][];
  mask: MaskRef | null;
  attributes: Record<string, string>;
  score: number | null;
  origin: string;
  origin_lesion: string | null;
  origin_score: number | null;
  moved_pixels: number | null;
}

export type DecisionKind = "accepted" | "edited" | "rejected";

export interface Decision {
  predicted: string;
  kind: DecisionKind;
  reason: string;
  lesion: string | null;
  threshold: number | null;
}

export type Verdict = "" | "lesions" | "no_lesion" | "not_readable" | "deferred";

export interface Reading {
  id: string;
  reader: { kind: string; name: string };
  state: "draft" | "submitted";
  verdict: Verdict;
  verdict_reason: string;
  comment: string;
  image_findings: Record<string, unknown>;
  lesions: Lesion[];
  decisions: Decision[];
  revision: number;
  etag: string;
  display_threshold: number | null;
  active_seconds: number;
  updated_at: string;
  submitted_at: string | null;
  vocabulary_version: number;
}

export interface RoomInstance {
  sop_instance_uid: string;
  rows: number;
  columns: number;
  number_of_frames: number;
  pixel_spacing: [number, number] | null;
}

export interface Room {
  case: {
    id: string;
    name: string;
    modality: string;
    unit: Unit;
    n_frames: number;
    synthetic: boolean;
    context: {
      body_part?: string | null;
      protocol?: string | null;
      scanner?: string | null;
      age?: string | null;
      sex?: string | null;
      study_date?: string | null;
      study_description?: string | null;
    };
  };
  arm: Arm;
  lease: { expires_at: string | null; held_by: string | null };
  readonly: string | null;
  series: {
    study_instance_uid: string;
    series_instance_uid: string;
    wado_root: string;
    frame_of_reference_uid: string | null;
    instances: RoomInstance[];
  };
  reading: Reading;
  model: {
    version: number;
    name: string;
    display_threshold: number;
    calibrated: boolean;
    reading_id: string;
    findings: Lesion[];
    image_findings: Record<string, unknown>;
  } | null;
  others: Reading[];
  next: { id: string; name: string; thumbnail: string }[];
}

// Imports

export type ImportState = "uploading" | "queued" | "running" | "done" | "failed";
export type ItemState = "uploading" | "waiting" | "imported" | "duplicate" | "embargoed" | "refused";

export interface ImportOptions {
  deid_profile?: string;
  masks_prefix?: string;
  boxes_file?: string;
  labels_file?: string;
  imported_reader?: string;
}

export interface ImportRun {
  id: string;
  state: ImportState;
  created_at: string;
  options: ImportOptions;
  message: string;
  counts: Record<ItemState | "total", number>;
  progress: { done: number; total: number };
  job: string | null;
}

export interface ImportItem {
  id: string;
  name: string;
  size: number;
  received: number;
  state: ItemState;
  modality: string;
  reason: string;
  case: { id: string; name: string; split: Split } | null;
}

export interface SplitCounts {
  POOL: number;
  VALIDATION: number;
  HOLDOUT: number;
  EMBARGOED: number;
  embargoed: { case: string; name: string; reason: string }[];
}

// Learning and models

export type StepName = "snapshot" | "train" | "evaluate" | "gate" | "predict" | "rank";
export type StepState = "done" | "live" | "todo" | "failed";
export type RoundState =
  | "queued"
  | "snapshot"
  | "training"
  | "evaluating"
  | "gating"
  | "predicting"
  | "ranking"
  | "done"
  | "failed"
  | "cancelled";

export interface Metric {
  metric: string;
  /** Null: over all of them. */
  finding_type: number | null;
  value: number | null;
  low: number | null;
  high: number | null;
  n_patients: number;
  n_positive: number;
  note: string;
}

export interface RoundProgress {
  step?: number;
  steps?: number;
  loss?: number;
  images_per_second?: number;
  seconds_left?: number;
  elapsed?: number;
}

export interface Round {
  number: number;
  state: RoundState;
  trigger: "button" | "policy";
  started_by: string | null;
  created_at: string;
  finished_at: string | null;
  message: string;
  n_labels: number | null;
  base_version: number | null;
  model_version: number | null;
  settings: Record<string, unknown>;
  steps: { name: StepName; state: StepState; detail: string }[];
  progress: RoundProgress;
  loss: [number, number][];
  validation_loss?: [number, number][];
  log: string[];
  metrics: Metric[];
}

export type RoundRow = Pick<
  Round,
  "number" | "state" | "created_at" | "finished_at" | "n_labels" | "model_version"
> &
  Partial<Pick<Round, "metrics" | "message" | "progress">> & { model_state?: ModelState | null };

export interface Policy {
  enabled: boolean;
  every_n_readings: number;
  acquisition: string;
  batch_size: number;
  random_share: number;
  image_size: number;
  steps_scratch: number;
  steps_warm: number;
  seed: number;
}

export interface CurvePoint {
  n_labels: number;
  metric: string;
  value: number | null;
  low: number | null;
  high: number | null;
  n_patients: number;
  note: string;
  version: number;
  arm: string;
}

export interface NextCase {
  case: string;
  name: string;
  thumbnail: string;
  arm: "random" | "acquired" | "rest";
  acquisition: string;
  score: number | null;
  inclusion_probability: number | null;
  rank: number;
}

export interface Learning {
  policy: Policy;
  new_readings: number;
  labels: { training: number; validation: number };
  live: Round | null;
  last: Round | null;
  rounds: RoundRow[];
  curve: CurvePoint[];
  next: NextCase[];
  serving: number | null;
}

export type ModelState = "candidate" | "serves" | "kept" | "waits";

export interface Evaluation {
  split: "VALIDATION" | "HOLDOUT";
  created_at: string;
  n_cases: number;
  n_patients: number;
  metrics: Metric[];
  /** `froc`: false positives per image, sensitivity, threshold. */
  curves: { froc?: [number, number, number][] };
}

export interface Gate {
  against?: number | null;
  n_patients?: number;
  metrics?: { metric: string; difference: number; low: number; high: number }[];
  decision?: "serves" | "waits";
  text?: string;
}

export interface ModelRow {
  number: number;
  state: ModelState;
  created_at: string;
  parent: number | null;
  n_labels: number;
  released_at: string | null;
  metrics: Metric[];
  n_patients: number;
}

export interface ModelVersion {
  number: number;
  state: ModelState;
  created_at: string;
  parent: number | null;
  n_labels: number;
  snapshot_hash: string;
  seed: number;
  code_version: string;
  steps: number;
  core_seconds: number;
  weights_sha256: string;
  config: Record<string, unknown>;
  gate: Gate;
  display_threshold: number;
  calibration: { method?: string; note?: string };
  released_at: string | null;
  evaluations: Evaluation[];
  holdout_looks: number;
}

// Jobs

export interface Job {
  id: string;
  task: string;
  queue: string;
  state: string;
  progress: Record<string, unknown>;
  created_at: string;
  finished_at: string | null;
  error: string;
}
