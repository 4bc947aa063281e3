import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Chosen } from "@/features/models/state/chosen";
import type { Calibration, Evaluation, FindingType, Metric, ModelVersion, Reliability } from "@/lib/api-types";
import { count, decimal, interval } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Card } from "@/ui/card";
import { ExportButtons } from "@/ui/chart/export-buttons";
import type { Scale } from "@/ui/chart/scale";
import { type ChartSeries, XYChart } from "@/ui/chart/xy-chart";
import { Segmented } from "@/ui/segmented";

interface ReliabilityCardProps {
  version: ModelVersion;
  evaluation: Evaluation | undefined;
  types: FindingType[];
  chosen: Chosen | null;
  onChoose: ((chosen: Chosen) => void) | undefined;
}

type Kind = "raw" | "calibrated";

/** Whether a score of 0.7 is right in seven of ten: what came true against the score, by bins of equal size. */
export function ReliabilityCard({ version, evaluation, types, chosen, onChoose }: ReliabilityCardProps) {
  const { t } = useTranslation("models");
  const svg = useRef<SVGSVGElement>(null);
  const diagrams = evaluation?.curves.reliability ?? [];
  const [name, setName] = useState("lesion");
  const [wanted, setKind] = useState<Kind>("calibrated");
  const one = diagrams.find((diagram) => diagram.name === name) ?? diagrams[0];
  const kind: Kind = one?.calibrated.length ? wanted : "raw";
  const bins = one?.[kind] ?? [];
  return (
    <Card
      title={t("reliability.title")}
      actions={
        bins.length ? (
          <ExportButtons
            name={`reliability-v${version.number}-${(one?.name ?? "").replace(":", "-")}-${kind}`}
            svg={svg}
            rows={() => [
              ["start", "end", "mean_score", "share", "low", "high", "n", "n_patients"],
              ...bins.map((bin) => [
                ...[bin.start, bin.end, bin.mean, bin.share, bin.low, bin.high, bin.n, bin.n_patients],
              ]),
            ]}
          />
        ) : null
      }
    >
      {one && evaluation ? (
        <>
          <div className="row" style={{ gap: 8, marginBottom: 8 }}>
            <select
              aria-label={t("reliability.which")}
              className="in d"
              style={{ minWidth: 0, flex: 1 }}
              value={one.name}
              onChange={(event) => setName(event.currentTarget.value)}
            >
              {diagrams.map((diagram) => (
                <option key={diagram.name} value={diagram.name}>
                  {scoreName(diagram.name)}
                </option>
              ))}
            </select>
            <Segmented<Kind>
              label={t("reliability.kind")}
              value={kind}
              onChange={setKind}
              options={[
                { value: "raw", label: t("reliability.raw") },
                { value: "calibrated", label: t("reliability.calibrated"), disabled: !one.calibrated.length },
              ]}
            />
          </div>
          <Summary one={one} kind={kind} evaluation={evaluation} calibration={version.calibration} />
          {bins.length ? (
            <XYChart
              svgRef={svg}
              label={t("reliability.label", { score: scoreName(one.name) })}
              height={268}
              right={14}
              x={{
                min: 0,
                max: 1,
                ticks: TICKS,
                label: t(`reliability.x.${kind}`),
                write: (value) => decimal(value, 1),
              }}
              y={{
                min: 0,
                max: 1,
                ticks: [0, 0.5, 1],
                label: t("reliability.y"),
                write: (value) => decimal(value, 1),
              }}
              series={[seriesOf(one)]}
              foot={{ height: 44, draw: (x, top) => <Histogram counts={one.counts[kind]} x={x} top={top} /> }}
            >
              {(x, y) => (
                <line
                  x1={x(0)}
                  y1={y(0)}
                  x2={x(1)}
                  y2={y(1)}
                  stroke="var(--n7)"
                  strokeDasharray="1 3"
                  strokeWidth={1.25}
                />
              )}
            </XYChart>
          ) : (
            <p className="sec" style={{ marginTop: 12 }}>
              {serverWords(one.note, t)}
            </p>
          )}
        </>
      ) : (
        <p className="sec">{evaluation ? t("reliability.none") : t("notMeasured")}</p>
      )}
    </Card>
  );

  function scoreName(score: string): string {
    if (score === "lesion" || score === "any") return t(`reliability.score.${score}`);
    const type = types.find((candidate) => String(candidate.id) === score.split(":")[1]);
    return t("reliability.score.type", { type: type?.name ?? score });
  }

  function seriesOf(diagram: Reliability): ChartSeries {
    return {
      name: scoreName(diagram.name),
      colour: "var(--c1)",
      width: 1.25,
      bars: true,
      points: diagram[kind].map((bin, index) => {
        const key = `bin ${diagram.name} ${kind} ${index}`;
        const range = `${decimal(bin.start)}–${decimal(bin.end)}`;
        const note = t("reliability.point", {
          ...{ range, share: interval({ value: bin.share, low: bin.low, high: bin.high }), n: count(bin.n) },
          patients: count(bin.n_patients),
        });
        const query = { score: diagram.name, calibrated: kind === "calibrated", low: bin.start, high: bin.end };
        const label = t("cases.bin", { score: scoreName(diagram.name), range });
        return {
          ...{ x: bin.mean, y: bin.share, low: bin.low, high: bin.high, note },
          ...(onChoose ? { isOn: chosen?.key === key, open: () => onChoose({ key, label, query }) } : {}),
        };
      }),
    };
  }
}

const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

interface SummaryProps {
  one: Reliability;
  kind: Kind;
  evaluation: Evaluation;
  calibration: Calibration;
}

/** The diagram in numbers: its error, and the slope, which is 1 where scores are neither too bold nor too shy. */
function Summary({ one, kind, evaluation, calibration }: SummaryProps) {
  const { t } = useTranslation("models");
  const entry = one.name === "lesion" ? calibration.lesion : calibration.outputs?.[one.name];
  const told = errorOf(evaluation.metrics, one.name, kind);
  // Slopes are VALIDATION's; on HOLDOUT they would be another split's numbers.
  const slope =
    evaluation.split === "VALIDATION" ? (kind === "raw" ? entry?.slope_before : entry?.slope_after) : null;
  const parts = [
    told && told.value !== null ? `ECE ${interval(told, 3)}` : "",
    slope && slope.value !== null ? t("reliability.slope", { value: interval(slope) }) : "",
  ].filter(Boolean);
  return (
    <>
      {parts.length ? (
        <p
          className="sm num"
          style={{ marginBottom: 8 }}
          title={told?.note ? serverWords(told.note, t) : undefined}
        >
          {parts.join(t("reliability.join"))} <span className="q">n={count(told?.n_patients ?? 0)}</span>
        </p>
      ) : null}
      {entry && entry.method === "none" && one.raw.length ? (
        <p className="sm q">{t("reliability.uncalibrated", { reason: serverWords(entry.note, t) })}</p>
      ) : null}
    </>
  );
}

function errorOf(metrics: readonly Metric[], score: string, kind: Kind): Metric | undefined {
  const name = `${score === "lesion" ? "lesion_" : ""}ece${kind === "calibrated" ? "_calibrated" : ""}`;
  const type = score.includes(":") ? Number(score.split(":")[1]) : null;
  return metrics.find((one) => one.metric === name && one.finding_type === type);
}

const BAR = 22;

/** How many scores lie in each tenth. */
function Histogram({ counts, x, top }: { counts: readonly number[]; x: Scale; top: number }) {
  const most = Math.max(...counts, 1);
  return counts.map((n, tenth) => {
    const [left, right] = [x(tenth / 10) + 1, x((tenth + 1) / 10) - 1];
    const height = n ? Math.max(1, (n / most) * BAR) : 0;
    const foot = top + 13 + BAR;
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: tenths are named by their place
      <g key={tenth}>
        <rect x={left} y={foot - height} width={right - left} height={height} fill="#4a4a4a" />
        <text x={(left + right) / 2} y={foot - height - 3} textAnchor="middle" style={{ fontSize: 10 }}>
          {count(n)}
        </text>
      </g>
    );
  });
}
