import { IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { type Draft, lackOf, STEPS, type Step } from "@/features/wizard/draft";

/** The seven steps; those before the present one are open to go back to. */
export function StepList({ draft, onGo }: { draft: Draft; onGo: (step: Step) => void }) {
  const { t } = useTranslation("wizard");
  const now = STEPS.indexOf(draft.step);
  return (
    <ol style={{ width: 188, flex: "none" }}>
      {STEPS.map((step, index) => {
        const isDone = index < now && lackOf(step, draft) === null;
        const mayGo = STEPS.slice(0, index).every((before) => lackOf(before, draft) === null);
        return (
          <li key={step}>
            <button
              type="button"
              className="wizstep"
              aria-current={index === now ? "step" : undefined}
              disabled={!mayGo}
              onClick={() => onGo(step)}
            >
              <span className={`wiznum${index === now ? " now" : isDone ? " done" : ""}`}>
                {isDone ? <IconCheck size={14} stroke={2} /> : index + 1}
              </span>
              {t(`step.${step}`)}
            </button>
          </li>
        );
      })}
    </ol>
  );
}
