/** A project before it exists, kept on this device for its author until it is created. */
import type { DeidOption, DeidProfile, Policy, ProjectIn, Role, Unit } from "@/lib/api-types";
import { type Entry, payloadOf, problemsOf } from "@/lib/vocabulary";

export const STEPS = ["question", "images", "types", "members", "splits", "model", "check"] as const;
export type Step = (typeof STEPS)[number];

export interface Draft {
  step: Step;
  name: string;
  question: string;
  modality: string;
  unit: Unit;
  /** Slug of an archive that is there, or empty for a new one. */
  archive: string;
  deid_profile: DeidProfile;
  deid_options: DeidOption[];
  /** Of a new archive that de-identifies: an encrypted table of who is who. */
  keeps_identities: boolean;
  entries: Entry[];
  members: { username: string; full_name: string; role: Role }[];
  validation_share: number;
  holdout_share: number;
  blinded_share: number;
  readings_wanted: number;
  laterality_matters: boolean;
  display_threshold: number;
  /** Per image, shown by a new version on VALIDATION; null: any number. */
  false_positives_allowed: number | null;
  policy: Pick<Policy, "enabled" | "every_n_readings">;
}

export const EMPTY: Draft = {
  step: "question",
  name: "",
  question: "",
  modality: "US",
  unit: "image",
  archive: "",
  deid_profile: "basic",
  deid_options: ["modified_dates", "clean_pixels"],
  keeps_identities: false,
  entries: [],
  members: [],
  validation_share: 0.15,
  holdout_share: 0.15,
  blinded_share: 0.1,
  readings_wanted: 1,
  laterality_matters: false,
  display_threshold: 0.5,
  false_positives_allowed: 0.5,
  policy: { enabled: true, every_n_readings: 16 },
};

const place = (username: string) => `overread.new-project.${username}`;

export function storedDraft(username: string): Draft {
  const text = window.localStorage.getItem(place(username));
  if (!text) return EMPTY;
  try {
    return { ...EMPTY, ...(JSON.parse(text) as Partial<Draft>) };
  } catch {
    // A draft of another version that cannot be read is no draft.
    return EMPTY;
  }
}

export function storeDraft(username: string, draft: Draft): void {
  window.localStorage.setItem(place(username), JSON.stringify(draft));
}

export function forgetDraft(username: string): void {
  window.localStorage.removeItem(place(username));
}

/** Why a step is not complete, as a key of the wizard's words with its values; null when it is. */
export function lackOf(step: Step, draft: Draft): { key: string; values?: Record<string, string> } | null {
  if (step === "question" && !draft.name.trim()) return { key: "lack.name" };
  if (step === "types") {
    const problem = problemsOf(draft.entries)[0];
    if (problem)
      return { key: `vocabulary:problem.${problem.kind}`, values: problem as unknown as Record<string, string> };
  }
  if (step === "splits" && draft.validation_share + draft.holdout_share > 0.9) return { key: "lack.shares" };
  if (step === "splits" && draft.validation_share === 0) return { key: "lack.validation" };
  return null;
}

/** Whether a new archive of this draft will keep a table of identities. */
export function keepsIdentities(draft: Draft): boolean {
  return draft.keeps_identities && draft.deid_profile === "basic" && !draft.archive;
}

export function projectOf(draft: Draft): ProjectIn {
  return {
    name: draft.name.trim(),
    question: draft.question.trim(),
    modality: draft.modality,
    unit: draft.unit,
    ...(draft.archive ? { archive: draft.archive } : {}),
    deid_profile: draft.deid_profile,
    deid_options: draft.deid_options,
    keeps_identities: keepsIdentities(draft),
    validation_share: draft.validation_share,
    holdout_share: draft.holdout_share,
    blinded_share: draft.blinded_share,
    readings_wanted: draft.readings_wanted,
    laterality_matters: draft.laterality_matters,
    first_look: false,
    accept_all: false,
    finding_types: draft.entries.map(payloadOf),
    members: draft.members.map(({ username, role }) => ({ username, role })),
  };
}
