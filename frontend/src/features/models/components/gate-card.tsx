import { IconCheck, IconHourglass } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { type ReactNode, type Ref, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { PromoteDialog } from "@/features/models/components/promote-dialog";
import { gateSentences, servesUnproven } from "@/features/models/state/gate-words";
import type { Evaluation, Gate, ModelRow, ModelVersion, Promotion } from "@/lib/api-types";
import { count, dayTime, decimal, interval } from "@/lib/format";
import { overall } from "@/lib/metrics";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import { linearScale, niceTicks } from "@/ui/chart/scale";
import { Chip } from "@/ui/chip";

interface GateCardProps {
  slug: string;
  version: ModelVersion;
  rows: ModelRow[];
  /** On VALIDATION. */
  evaluation: Evaluation | undefined;
}

/** What the gate asked and found, and the button by which a person decides otherwise. */
export function GateCard({ slug, version, rows, evaluation }: GateCardProps) {
  const { t } = useTranslation("models");
  const svg = useRef<SVGSVGElement>(null);
  const [asking, ask] = useState(false);
  const serving = rows.find((row) => row.state === "serves");
  const isBack = serving !== undefined && serving.number > version.number;
  const { gate } = version;
  return (
    <Card title={t("gate.title")} actions={<GateChip gate={gate} />}>
      <div className="col" style={{ gap: 10, height: "100%" }}>
        <p>{gateSentences(gate, t).join(" ")}</p>
        {gate.metrics?.length ? (
          <div>
            <Differences svgRef={svg} gate={gate} version={version.number} />
            <div className="row" style={{ justifyContent: "flex-end", gap: 0 }}>
              <ExportButtons name={`gate-v${version.number}-v${gate.against}`} svg={svg} rows={table} />
            </div>
          </div>
        ) : null}
        <dl>
          {(gate.proof ?? []).map((one) => (
            <Line
              key={one.check}
              name={checkName(one.check)}
              note={t("gate.chance", { value: decimal(one.chance) })}
            >
              {interval(one)}
            </Line>
          ))}
          {(gate.metrics ?? []).map((one) => (
            <Line key={one.metric} name={t(`metric.${one.metric}`, { defaultValue: one.metric })}>
              {interval({ value: one.difference, low: one.low, high: one.high }, 3, true)}
            </Line>
          ))}
          <CalibrationLines version={version} evaluation={evaluation} />
          <Line name="HOLDOUT">
            {t("looks", { count: version.holdout_looks, shown: count(version.holdout_looks) })}
          </Line>
        </dl>
        <Promotions promotions={version.promotions} />
        <span className="grow" />
        {version.state === "serves" ? (
          <p className="sm sec">{t("promote.servesNow")}</p>
        ) : (
          <div>
            <Button variant="primary" onClick={() => ask(true)}>
              {t(isBack ? "promote.back" : "promote.button", { n: version.number })}
            </Button>
          </div>
        )}
      </div>
      {asking ? (
        <PromoteDialog slug={slug} version={version} serving={serving} onClose={() => ask(false)} />
      ) : null}
    </Card>
  );

  function table(): (string | number | null)[][] {
    const { metrics = [], against = null, margin = null, n_patients = null } = gate;
    return [
      ["metric", "difference", "low", "high", "n_patients", "version", "against", "margin"],
      ...metrics.map((one) => [
        ...[one.metric, one.difference, one.low, one.high, n_patients, version.number, against, margin],
      ]),
    ];
  }

  function checkName(check: string): string {
    return check.startsWith("finding:") ? t("metric.auc") : t(`gate.check.${check}`);
  }
}

function Line({ name, note, children }: { name: string; note?: string; children: ReactNode }) {
  return (
    <div
      className="row sb sm"
      style={{ minHeight: 26, gap: 8, padding: "2px 0", borderBottom: "1px solid #1f1f1f" }}
    >
      <dt className="sec">
        {name} {note ? <span className="q xs nw">{note}</span> : null}
      </dt>
      <dd className="num nw">{children}</dd>
    </div>
  );
}

/** Whether the scores of findings mean what they say: slope, Brier score and ECE, each against what is right. */
function CalibrationLines({ version, evaluation }: { version: ModelVersion; evaluation: Evaluation | undefined }) {
  const { t } = useTranslation("models");
  if (!evaluation) return null;
  const lesion = version.calibration.lesion;
  if (lesion?.method !== "platt") {
    const reason = lesion?.note || version.calibration.note;
    return reason ? (
      <p className="sm q" style={{ padding: "6px 0", borderBottom: "1px solid #1f1f1f" }}>
        {t("gate.uncalibrated", { reason: serverWords(reason, t as unknown as TFunction) })}
      </p>
    ) : null;
  }
  const [raw, mended] = ["lesion_brier", "lesion_brier_calibrated"].map((name) =>
    overall(evaluation.metrics, name),
  );
  const error = overall(evaluation.metrics, "lesion_ece_calibrated");
  const right = evaluation.curves.reliability?.find((one) => one.name === "lesion")?.perfection?.calibrated;
  return (
    <>
      {lesion.slope_after ? <Line name={t("gate.slope")}>{interval(lesion.slope_after)}</Line> : null}
      {typeof raw?.value === "number" && typeof mended?.value === "number" ? (
        <Line name={t("gate.brier")}>{`${decimal(raw.value, 3)} → ${decimal(mended.value, 3)}`}</Line>
      ) : null}
      {typeof error?.value === "number" ? (
        <Line name={t("gate.ece")} note={right ? t("gate.upTo", { value: decimal(right.p95, 3) }) : undefined}>
          {decimal(error.value, 3)}
        </Line>
      ) : null}
    </>
  );
}

/** When the version last came to serve, by whom and why; all times stand on the card. */
function Promotions({ promotions }: { promotions: Promotion[] }) {
  const { t } = useTranslation("models");
  const [last] = promotions;
  if (!last) return null;
  return (
    <p className="sm sec" style={{ overflowWrap: "anywhere" }}>
      <span className="q">{t("promote.history")}</span> <span className="num nw">{dayTime(last.created_at)}</span>{" "}
      {last.by ? t("promote.byPerson", { name: last.by, reason: last.reason }) : t("promote.byGate")}
    </p>
  );
}

function GateChip({ gate }: { gate: Gate }) {
  const { t } = useTranslation("models");
  if (servesUnproven(gate)) return <Chip tone="warn">{t("gate.unproven")}</Chip>;
  if (gate.decision === "serves") {
    return (
      <Chip tone="ok" icon={<IconCheck />}>
        {t("gate.passed")}
      </Chip>
    );
  }
  if (gate.decision === "waits") {
    return (
      <Chip tone="warn" icon={<IconHourglass />}>
        {t("gate.waits")}
      </Chip>
    );
  }
  return null;
}

const WIDTH = 280;
const LEFT = 22;

/** The paired differences with zero as a dotted line: left of minus the margin the challenger is worse. */
function Differences({ svgRef, gate, version }: { svgRef: Ref<SVGSVGElement>; gate: Gate; version: number }) {
  const { t } = useTranslation("models");
  const metrics = gate.metrics ?? [];
  const margin = gate.margin ?? 0;
  const far = Math.max(...metrics.flatMap((one) => [Math.abs(one.low), Math.abs(one.high)]), 0.01, 1.5 * margin);
  const ticks = niceTicks(-far, far, 4);
  const x = linearScale(ticks[0] ?? -far, ticks.at(-1) ?? far, LEFT, WIDTH - 52);
  const ground = 12 + metrics.length * 24;
  const label = t("gate.chart", { n: version, old: gate.against });
  return (
    <svg
      ref={svgRef}
      className="chart"
      width="100%"
      viewBox={`0 0 ${WIDTH} ${ground + 34}`}
      role="img"
      aria-label={label}
    >
      <rect
        x={LEFT}
        y={4}
        width={Math.max(0, x(-margin) - LEFT)}
        height={ground - 4}
        fill="var(--bad-lo)"
        opacity={0.55}
      />
      <text x={LEFT + 6} y={16}>
        {t("gate.worseSide")}
      </text>
      {margin ? <line x1={x(-margin)} x2={x(-margin)} y1={4} y2={ground} stroke="var(--bad)" /> : null}
      <line x1={x(0)} x2={x(0)} y1={4} y2={ground} stroke="var(--n8)" strokeDasharray="1 3" />
      {metrics.map((one, index) => {
        const y = 16 + index * 24;
        return (
          <g key={one.metric}>
            <line x1={x(one.low)} x2={x(one.high)} y1={y} y2={y} stroke="var(--accent)" strokeWidth={2} />
            <circle
              cx={x(one.difference)}
              cy={y}
              r={3.5}
              fill="var(--accent)"
              stroke="var(--n2)"
              strokeWidth={1.25}
            />
            <text x={WIDTH - 42} y={y + 4} className="lb">
              {t(`short.${one.metric}`, { defaultValue: one.metric })}
            </text>
          </g>
        );
      })}
      <line className="ax" x1={LEFT} x2={WIDTH - 52} y1={ground} y2={ground} />
      {ticks.map((tick) => (
        <text key={tick} x={x(tick)} y={ground + 14} textAnchor="middle">
          {tick > 0 ? `+${decimal(tick)}` : tick === 0 ? "0" : decimal(tick)}
        </text>
      ))}
      <text x={LEFT} y={ground + 30}>
        {label}
      </text>
    </svg>
  );
}
