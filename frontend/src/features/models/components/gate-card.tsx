import { IconCheck, IconHourglass } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePromote } from "@/features/models/api/models";
import type { Gate, ModelRow, ModelVersion } from "@/lib/api-types";
import { count, decimal, interval } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { linearScale, niceTicks } from "@/ui/chart/scale";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface GateCardProps {
  slug: string;
  version: ModelVersion;
  rows: ModelRow[];
}

/** What the gate found, and the button by which a person decides otherwise. */
export function GateCard({ slug, version, rows }: GateCardProps) {
  const { t } = useTranslation("models");
  const promote = usePromote(slug, version.number);
  const [asking, ask] = useState(false);
  const serving = rows.find((row) => row.state === "serves");
  const isBack = serving !== undefined && serving.number > version.number;
  const action = t(isBack ? "promote.back" : "promote.button", { n: version.number });
  const { gate } = version;
  return (
    <Card title={t("gate.title")} actions={<GateChip gate={gate} />}>
      <div className="col" style={{ gap: 12, height: "100%" }}>
        <p>{sentence()}</p>
        {gate.metrics?.length ? <Differences gate={gate} version={version.number} /> : null}
        <dl>
          {(gate.metrics ?? []).map((one) => (
            <div
              key={one.metric}
              className="row sb sm"
              style={{ minHeight: 28, borderBottom: "1px solid #1f1f1f" }}
            >
              <dt className="sec">{t(`metric.${one.metric}`, { defaultValue: one.metric })}</dt>
              <dd className="num">{interval({ value: one.difference, low: one.low, high: one.high }, 3, true)}</dd>
            </div>
          ))}
          <div className="row sb sm" style={{ minHeight: 28 }}>
            <dt className="sec">HOLDOUT</dt>
            <dd className="num">
              {t("looks", { count: version.holdout_looks, shown: count(version.holdout_looks) })}
            </dd>
          </div>
        </dl>
        <span className="grow" />
        {version.state === "serves" ? (
          <p className="sm sec">{t("promote.servesNow")}</p>
        ) : (
          <div>
            <Button variant="primary" onClick={() => ask(true)}>
              {action}
            </Button>
          </div>
        )}
      </div>
      <ConfirmDialog
        opened={asking}
        title={t(isBack ? "promote.backTitle" : "promote.title", { n: version.number })}
        action={action}
        busy={promote.isPending}
        error={promote.error}
        onClose={() => ask(false)}
        onConfirm={() => promote.mutate(undefined, { onSuccess: () => ask(false) })}
      >
        <p>
          {serving
            ? t("promote.instead", { n: version.number, old: serving.number })
            : t("promote.first", { n: version.number })}
        </p>
        {gate.decision === "waits" ? (
          <p className="alert warn" style={{ marginTop: 12 }}>
            {sentence()}
          </p>
        ) : null}
      </ConfirmDialog>
    </Card>
  );

  function sentence(): string {
    if (gate.against === null) return t("gate.first");
    if (gate.against === undefined) return t("gate.none");
    const values = { n: version.number, old: gate.against, patients: count(gate.n_patients ?? 0) };
    if (!gate.metrics?.length) return t("gate.tooFew", values);
    return t(gate.decision === "waits" ? "gate.worse" : "gate.notWorse", values);
  }
}

function GateChip({ gate }: { gate: Gate }) {
  const { t } = useTranslation("models");
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

/** The paired differences with zero as a dotted line: left of it the challenger is worse. */
function Differences({ gate, version }: { gate: Gate; version: number }) {
  const { t } = useTranslation("models");
  const metrics = gate.metrics ?? [];
  const far = Math.max(...metrics.flatMap((one) => [Math.abs(one.low), Math.abs(one.high)]), 0.01);
  const ticks = niceTicks(-far, far, 4);
  const x = linearScale(ticks[0] ?? -far, ticks.at(-1) ?? far, LEFT, WIDTH - 52);
  const ground = 12 + metrics.length * 24;
  const label = t("gate.chart", { n: version, old: gate.against });
  return (
    <svg className="chart" width="100%" viewBox={`0 0 ${WIDTH} ${ground + 34}`} role="img" aria-label={label}>
      <rect
        x={LEFT}
        y={4}
        width={Math.max(0, x(0) - LEFT)}
        height={ground - 4}
        fill="var(--bad-lo)"
        opacity={0.55}
      />
      <text x={LEFT + 6} y={16}>
        {t("gate.worseSide")}
      </text>
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
