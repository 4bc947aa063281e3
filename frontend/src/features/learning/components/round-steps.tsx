import { IconCheck, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Round } from "@/lib/api-types";
import { serverWords } from "@/lib/server-words";

/** Six steps as bars: done, live with its share, failed, to do. */
export function RoundSteps({ round }: { round: Round }) {
  const { t } = useTranslation("learning");
  const { step = 0, steps = 0 } = round.progress;
  const share = steps > 0 ? Math.min(1, step / steps) : 0;
  return (
    <ol style={{ display: "flex", gap: 8, marginBottom: 14 }}>
      {round.steps.map(({ name, state, detail }) => {
        const filled =
          state === "done" ? 1 : state === "live" ? (name === "train" || name === "predict" ? share : 0.08) : 0;
        return (
          <li key={name} style={{ flex: 1, minWidth: 0 }} aria-current={state === "live" ? "step" : undefined}>
            <div style={{ height: 3, borderRadius: 2, background: "var(--n5)", overflow: "hidden" }}>
              <div
                style={{
                  height: 3,
                  width: `${(state === "failed" ? 1 : filled) * 100}%`,
                  background: state === "failed" ? "var(--bad)" : "var(--accent)",
                }}
              />
            </div>
            <div
              className="row sm b"
              style={{
                gap: 6,
                marginTop: 8,
                color: state === "todo" ? "var(--n8)" : state === "failed" ? "var(--bad)" : "var(--n10)",
              }}
            >
              {state === "done" ? (
                <IconCheck size={14} stroke={1.8} />
              ) : state === "failed" ? (
                <IconX size={14} stroke={1.8} />
              ) : null}
              {t(`step.${name}`)}
            </div>
            <div className="xs q num ell" title={serverWords(detail, t)}>
              {serverWords(detail, t)}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
