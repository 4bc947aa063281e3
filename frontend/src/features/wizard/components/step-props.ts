import type { Draft, Step } from "@/features/wizard/draft";
import type { Me } from "@/lib/api-types";

/** What every step of the wizard gets. */
export interface StepProps {
  draft: Draft;
  me: Me;
  onChange: (change: Partial<Draft>) => void;
  onGo: (step: Step) => void;
}
