import { useTranslation } from "react-i18next";
import type { Round } from "@/lib/api-types";
import { count, DASH, decimal, duration, percent } from "@/lib/format";

/** Time left, time gone, speed, share of training; below them the last lines of the log. */
export function RoundNumbers({ round, live }: { round: Round; live: boolean }) {
  const { t } = useTranslation("learning");
  const { step, steps, images_per_second: speed, seconds_left: left, elapsed } = round.progress;
  const gone =
    elapsed ??
    (round.finished_at ? (Date.parse(round.finished_at) - Date.parse(round.created_at)) / 1000 : undefined);
  const cells: [string, string][] = [
    ...(live ? [[left === undefined ? DASH : duration(left), t("number.left")] as [string, string]] : []),
    [gone === undefined ? DASH : duration(gone), t("number.elapsed")],
    [speed === undefined ? DASH : decimal(speed, 1), t("number.speed")],
    live
      ? [step !== undefined && steps ? percent(step / steps) : DASH, t("number.share")]
      : [steps ? count(steps) : DASH, t("number.steps")],
    ...(live
      ? []
      : [[round.n_labels === null ? DASH : count(round.n_labels), t("number.labels")] as [string, string]]),
  ];
  return (
    <div style={{ width: 284, flex: "none" }}>
      <dl style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: "14px 12px", paddingTop: 10 }}>
        {cells.map(([value, name]) => (
          <div key={name} style={{ display: "flex", flexDirection: "column-reverse", justifyContent: "flex-end" }}>
            <dt className="xs q">{name}</dt>
            <dd className="num keynum">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="mono q" style={{ borderTop: "1px solid var(--n5)", marginTop: 14, paddingTop: 10 }}>
        {lastLines(round.log).map(({ key, line, isLast }) => (
          <div key={key} className="ell" title={line} style={{ color: isLast ? "var(--n9)" : undefined }}>
            {line}
          </div>
        ))}
      </div>
    </div>
  );
}

/** The last three lines; a line's place in the log is its identity. */
function lastLines(log: string[]) {
  const from = Math.max(0, log.length - 3);
  return log
    .slice(from)
    .map((line, index) => ({ key: from + index, line, isLast: from + index === log.length - 1 }));
}
