/** Asks the project's model for the outline of what is pointed at. It answers soon, or something else is used. */
import { cookie } from "@/lib/api-client";
import type { GenericNetwork, Segmented } from "@/lib/api-types";
import type { FrameRef } from "@/lib/imaging/frames";
import type { MaskGrid } from "../geometry/mask-grid";
import type { Pointed } from "../geometry/pointing";
import { decodeRuns } from "../geometry/run-length";

const PATIENCE_MS = 3000;

/** Why the model is not asked, or does not answer. */
export type NoModel = "blinded" | "noModel" | "late";

/** By a version of the project's model (`version`), or by a general-purpose network (`generic`). */
export type Outlined =
  | { version: number | null; generic: GenericNetwork | null; grid: MaskGrid | null }
  | { refused: NoModel };

const REFUSALS: Record<string, NoModel> = { classical_only: "blinded", no_prompts: "noModel" };

export async function askForOutline(
  slug: string,
  caseId: string,
  { sop, frame }: FrameRef,
  prompt: Pointed,
): Promise<Outlined> {
  // Not by the common way: a reader who was signed out stays in the room, and the tools without a model go on.
  try {
    const response = await fetch(`/api/v1/projects/${encodeURIComponent(slug)}/cases/${caseId}/segment/`, {
      method: "POST",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        "X-CSRFToken": cookie("csrftoken"),
      },
      body: JSON.stringify({ sop_instance_uid: sop, frame, ...prompt }),
      credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const body: unknown = await response.json();
    if (!response.ok) return { refused: REFUSALS[(body as { code?: string }).code ?? ""] ?? "late" };
    const { version, generic, mask } = body as Segmented;
    return { version, generic, grid: mask && gridOf(mask) };
  } catch {
    return { refused: "late" };
  }
}

function gridOf({ origin, shape, runs }: NonNullable<Segmented["mask"]>): MaskGrid {
  const blob = Uint8Array.from(atob(runs), (letter) => letter.charCodeAt(0));
  return { origin, shape, data: decodeRuns(blob, shape[0] * shape[1] * shape[2]) };
}
