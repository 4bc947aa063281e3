/** The model card in the page's words: the page draws these sections, and the Markdown file is written from them. */
import type { TFunction } from "i18next";
import { CLICK_NUMBERS } from "@/features/models/state/click-numbers";
import { gateSentences } from "@/features/models/state/gate-words";
import { groupName } from "@/features/models/state/subgroup-names";
import type { CardEvaluation, Counted, FindingType, Limit, Metric, ModelCard } from "@/lib/api-types";
import { count, dayTime, decimal, duration, interval, nOf } from "@/lib/format";
import { overall } from "@/lib/metrics";
import { windowWords } from "@/lib/plan-words";
import { serverWords } from "@/lib/server-words";

export type Block =
  | { kind: "text"; title?: string; text: string; quiet?: boolean }
  | { kind: "list"; items: string[] }
  | { kind: "table"; head: string[]; rows: string[][] };
export interface Section {
  key: string;
  title: string;
  blocks: Block[];
}
type T = TFunction<"models">;

const DIMENSIONS = ["finding_type", "modality", "sex", "age", "scanner", "reader"] as const;
const NUMBERS: [metric: string, places: number][] = [
  ["sensitivity", 2],
  ["false_positives_per_image", 2],
  ["lesion_average_precision", 2],
  ["dice", 3],
  ["nsd", 3],
  ["hd95_mm", 1],
  ["hd95_px", 1],
  ["findings_auc", 2],
  ["auc", 2],
  ["average_precision", 2],
];
const GROUP_METRICS = ["sensitivity", "false_positives_per_image", "dice", "auc"] as const;

export function cardSections(card: ModelCard, t: T): Section[] {
  const sections: [key: string, blocks: Block[]][] = [
    ["purpose", purpose(card, t)],
    ["limits", [{ kind: "list", items: card.limits.map((limit) => limitSentence(limit, card, t)) }]],
    ["version", [facts(versionFacts(card, t), t)]],
    ["outputs", outputs(card, t)],
    ["data", data(card, t)],
    ["splits", splits(card, t)],
    ["training", [facts(trainingFacts(card, t), t)]],
    ["validation", measured(card.validation, card, t, t("card.notMeasured"))],
    ["holdout", [...measured(card.holdout, card, t, t("card.noHoldout")), looks(card, t)]],
    ["clicks", clicks(card, t)],
    ["calibration", calibration(card, t)],
    ["subgroups", subgroups(card, t)],
    ["gate", gate(card, t)],
    ["onnx", onnx(card, t)],
  ];
  return sections.map(([key, blocks]) => ({ key, title: t(`card.section.${key}`), blocks }));
}

/** The card as a Markdown file. */
export function cardMarkdown(card: ModelCard, t: T): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const line = (cells: string[]) => `| ${cells.map(cell).join(" | ")} |`;
  const write = (block: Block): string => {
    if (block.kind === "text") return block.title ? `**${block.title}**\n\n${block.text}` : block.text;
    if (block.kind === "list") return block.items.map((item) => `- ${item}`).join("\n");
    return [line(block.head), line(block.head.map(() => "---")), ...block.rows.map(line)].join("\n");
  };
  const parts = cardSections(card, t).map(
    (section) => `## ${section.title}\n\n${section.blocks.map(write).join("\n\n")}`,
  );
  return `# ${t("card.title")}: ${card.project.name}, v${card.version.number}\n\n${parts.join("\n\n")}\n`;
}

const words = (text: string, t: T) => serverWords(text, t as unknown as TFunction);
const known = (value: string | number | null | undefined, t: T) =>
  value === null || value === undefined || value === "" ? t("card.unknown") : String(value);
const facts = (rows: string[][], t: T): Block => ({
  kind: "table",
  head: [t("card.col.name"), t("card.col.value")],
  rows,
});

function purpose({ project, words: said }: ModelCard, t: T): Block[] {
  const nobody = t("card.words.nobody");
  const written = said.written_at
    ? t("card.words.written", { name: known(said.by, t), time: dayTime(said.written_at) })
    : "";
  return [
    { kind: "text", title: t("card.fact.project"), text: project.name },
    { kind: "text", title: t("card.fact.question"), text: project.question || nobody, quiet: !project.question },
    {
      kind: "text",
      title: t("card.words.intended_use"),
      text: said.intended_use || nobody,
      quiet: !said.intended_use,
    },
    { kind: "text", title: t("card.words.not_for"), text: said.not_for || nobody, quiet: !said.not_for },
    ...(said.remarks ? [{ kind: "text" as const, title: t("card.words.remarks"), text: said.remarks }] : []),
    ...(written ? [{ kind: "text" as const, text: written, quiet: true }] : []),
  ];
}

function versionFacts({ version, project }: ModelCard, t: T): string[][] {
  return [
    [t("card.fact.version"), `v${version.number}`],
    [t("card.fact.state"), t(`state.${version.state}`)],
    [t("lineage.made"), dayTime(version.created_at)],
    [t("card.fact.modality"), project.modality],
    [t("lineage.threshold"), decimal(version.display_threshold)],
    [t("lineage.weights"), `SHA-256 ${version.weights_sha256}`],
    [t("lineage.code"), version.code_version],
    [
      t("card.fact.released"),
      version.released_at
        ? t("card.released", { time: dayTime(version.released_at), name: known(version.released_by, t) })
        : t("lineage.notReleased"),
    ],
  ];
}

function outputs(card: ModelCard, t: T): Block[] {
  const rows = card.finding_types.map((type) => [
    type.name ?? t("card.gone"),
    t(`card.scope.${type.scope}`),
    type.code ?? t("card.noCode"),
  ]);
  return [{ kind: "table", head: [t("card.col.finding"), t("card.col.scope"), t("card.col.code")], rows }];
}

function data({ training_data: told, finding_types }: ModelCard, t: T): Block[] {
  const values = {
    readings: count(told.n_readings ?? 0),
    cases: count(told.n_cases),
    patients: count(told.n_patients ?? 0),
    time: told.frozen_at ? dayTime(told.frozen_at) : "",
  };
  const rows = DIMENSIONS.flatMap((dimension) =>
    (told.counts[dimension] ?? []).map((row) => [
      t(`card.dimension.${dimension}`, {
        defaultValue: t(`subgroups.dimension.${dimension}`, { defaultValue: "" }),
      }),
      counted(row, dimension, finding_types, t),
      count(row.n_cases),
      row.n_lesions ? count(row.n_lesions) : "",
    ]),
  );
  return [
    { kind: "text", text: told.frozen_at ? t("card.data.frozen", values) : t("card.data.gone", values) },
    ...(rows.length ? [{ kind: "table" as const, head: groupHead(t), rows }] : []),
    { kind: "text", text: t("card.data.snapshot", { hash: told.snapshot_sha256 }), quiet: true },
  ];
}

const groupHead = (t: T) => ["", t("card.col.group"), t("card.col.cases"), t("card.col.lesions")];

function counted(row: Counted, dimension: string, types: ModelCard["finding_types"], t: T): string {
  if (dimension === "finding_type")
    return row.group === "none" ? t("card.data.none") : typeName(row.group, types, t);
  if (dimension === "reader") return t(`card.reader.${row.group}`, { defaultValue: row.group });
  return groupName({ dimension, group: row.group, unit: "", start: null, end: null }, [], t);
}

function typeName(id: unknown, types: ModelCard["finding_types"], t: T): string {
  return types.find((type) => String(type.id) === String(id))?.name ?? t("card.gone");
}

function splits(card: ModelCard, t: T): Block[] {
  const head = [t("card.col.split"), t("card.col.cases"), t("card.col.patients"), t("card.col.read")];
  const rows = card.splits.map((row) => [
    row.split,
    count(row.n_cases),
    count(row.n_patients),
    count(row.n_labelled),
  ]);
  return [{ kind: "table", head, rows }];
}

function trainingFacts({ training, version }: ModelCard, t: T): string[][] {
  const { recipe, net, environment, unread } = training;
  return [
    [
      t("card.fact.start"),
      training.start ? t(`card.start.${training.start}`, { n: version.parent }) : t("card.unknown"),
    ],
    [t("lineage.steps"), count(training.steps)],
    [t("lineage.time"), t("lineage.coreTime", { time: duration(training.core_seconds) })],
    [t("card.fact.size"), known(training.image_size, t)],
    ...(training.ct_window ? [[t("card.fact.ctWindow"), windowWords(training.ct_window, t)]] : []),
    [t("card.fact.widths"), known(net?.widths.join("-"), t)],
    [
      t("card.fact.encoder"),
      net ? t(net.encoder ? "card.encoder.pretrained" : "card.encoder.own") : t("card.unknown"),
    ],
    [t("card.fact.unread"), unread ? t("card.unread", { count: unread }) : t("card.unreadNone")],
    [t("card.fact.rate"), known(recipe?.rate, t)],
    [t("card.fact.batch"), recipe ? batchOf(recipe.batch, environment?.processes, t) : t("card.unknown")],
    [t("card.fact.flip"), recipe ? t(recipe.flip ? "card.yes" : "card.no") : t("card.unknown")],
    [t("card.fact.precision"), known(recipe?.precision, t)],
    [t("lineage.seed"), String(training.seed)],
    [t("card.fact.environment"), environment ? t("card.environment", environment) : t("card.unknown")],
  ];
}

/** Several processes that train together each draw a batch of their own. */
function batchOf(batch: number, processes: number | undefined, t: T): string {
  if (processes === undefined || processes === 1) return count(batch);
  return t("card.batches", { batch, processes });
}

function measured(told: CardEvaluation | null, card: ModelCard, t: T, otherwise: string): Block[] {
  if (!told) return [{ kind: "text", text: otherwise }];
  const values = { time: dayTime(told.measured_at), cases: count(told.n_cases), patients: count(told.n_patients) };
  return [{ kind: "text", text: t("card.measured", values) }, numbers(told.metrics, NUMBERS, card, t)];
}

function numbers(metrics: readonly Metric[], shown: [string, number][], card: ModelCard, t: T): Block {
  const rows = shown.flatMap(([name, places]) =>
    metrics
      .filter((one) => one.metric === name)
      .map((one) => [
        one.finding_type === null
          ? t(`metric.${name}`)
          : `${t(`metric.${name}`)}: ${typeName(one.finding_type, card.finding_types, t)}`,
        interval(one, places) ?? "–",
        count(one.n_patients),
        count(one.n_positive),
        one.note ? words(one.note, t) : "",
      ]),
  );
  const head = ["metric", "interval", "patients", "positives", "remark"].map((name) => t(`card.col.${name}`));
  return { kind: "table", head, rows };
}

/** How well it outlines what it is pointed at. */
function clicks(card: ModelCard, t: T): Block[] {
  const { clicks: told } = card;
  if (!told) return [{ kind: "text", text: t("numbers.noClicks") }];
  return [
    { kind: "text", text: t("numbers.clicks", { lesions: count(told.lesions) }) },
    ...(told.measured.length ? [numbers(told.measured, CLICK_NUMBERS, card, t)] : []),
  ];
}

function looks({ holdout_looks: told }: ModelCard, t: T): Block {
  return {
    kind: "text",
    text: t("card.looks", { version: count(told.version), project: count(told.project) }),
    quiet: true,
  };
}

function calibration({ calibration: told, validation }: ModelCard, t: T): Block[] {
  const lesion = told.lesion;
  if (lesion?.method !== "platt") {
    const reason = lesion?.note || told.note || "";
    return [
      {
        kind: "text",
        text: t("card.calibration.none", { reason: reason ? words(reason, t) : t("card.unknown") }),
      },
    ];
  }
  const values = { method: "Platt", n: count(lesion.n), patients: count(lesion.n_patients) };
  const metric = (name: string) => told3(validation ? overall(validation.metrics, name) : undefined);
  const right = validation?.perfection.lesion;
  const p95 = (one: { p95: number } | null | undefined) => (one ? decimal(one.p95, 3) : t("card.unknown"));
  const rows = [
    [
      t("card.calibration.slope"),
      told3(lesion.slope_before ?? undefined, 2),
      told3(lesion.slope_after ?? undefined, 2),
    ],
    [t("card.calibration.brier"), metric("lesion_brier"), metric("lesion_brier_calibrated")],
    [t("card.calibration.ece"), metric("lesion_ece"), metric("lesion_ece_calibrated")],
    [t("card.calibration.p95"), p95(right?.raw), p95(right?.calibrated)],
  ];
  return [
    { kind: "text", text: t("card.calibration.method", values) },
    { kind: "table", head: [t("card.col.metric"), t("card.col.before"), t("card.col.after")], rows },
  ];
}

const told3 = (one: Metric | undefined, places = 3) => (one ? (interval(one, places) ?? "–") : "–");

function subgroups(card: ModelCard, t: T): Block[] {
  const { validation } = card;
  if (!validation?.subgroups.length) return [{ kind: "text", text: t("card.noSubgroups") }];
  const rows = validation.subgroups.map((row) => [
    groupOf(row, card, t),
    count(row.n_patients),
    ...GROUP_METRICS.map((name) => {
      const one = row.metrics.find((metric) => metric.metric === name);
      return one ? (interval(one) ?? t("common:tooFew")) : row.note ? words(row.note, t) : "";
    }),
  ]);
  const head = [t("card.col.group"), t("card.col.patients"), ...GROUP_METRICS.map((name) => t(`short.${name}`))];
  return [{ kind: "table", head, rows }];
}

function gate({ gate: told, promotions }: ModelCard, t: T): Block[] {
  const rows = [
    ...(told.proof ?? []).map((one) => [
      one.check.startsWith("finding:") ? t("metric.auc") : t(`gate.check.${one.check}`),
      `${interval(one)} (${t("gate.chance", { value: decimal(one.chance) })})`,
      count(one.n_patients),
    ]),
    ...(told.metrics ?? []).map((one) => [
      `${t(`metric.${one.metric}`)}, ${t("compare.difference")}`,
      interval({ value: one.difference, low: one.low, high: one.high }, 3, true) ?? "",
      count(told.n_patients ?? 0),
    ]),
  ];
  const served = promotions.map((one) => {
    const time = dayTime(one.created_at);
    return one.by
      ? t("card.promotedBy", { time, name: one.by, reason: one.reason })
      : t("card.promotedGate", { time });
  });
  const head = [t("card.col.metric"), t("card.col.interval"), t("card.col.patients")];
  return [
    { kind: "text", text: gateSentences(told, t).join(" ") },
    ...(rows.length ? [{ kind: "table" as const, head, rows }] : []),
    served.length ? { kind: "list", items: served } : { kind: "text", text: t("card.neverServed") },
  ];
}

function onnx({ onnx: told }: ModelCard, t: T): Block[] {
  if (!told) return [{ kind: "text", text: t("card.onnx.none") }];
  const values = {
    time: dayTime(told.created_at),
    images: count(told.images),
    noise: count(told.noise_images),
    difference: told.difference.toExponential(1),
    tolerance: told.tolerance,
  };
  return [
    { kind: "text", text: t("card.onnx.done", values) },
    { kind: "text", text: t("card.onnx.sha", { hash: told.sha256 }), quiet: true },
  ];
}

/** One limit in words, with its numbers. */
export function limitSentence(limit: Limit, card: ModelCard, t: T): string {
  const { code, ...told } = limit;
  const number = (name: string) => (typeof told[name] === "number" ? (told[name] as number) : 0);
  const text = (name: string) => (typeof told[name] === "string" ? (told[name] as string) : "");
  const groups = (Array.isArray(told.groups) ? told.groups : []).map((one) =>
    typeof one === "string" ? one.replace("-", "–") : groupOf(one as Group, card, t),
  );
  return t(`card.limit.${code}`, {
    n: count(number("n")),
    count: number("n"),
    shown: count(number("n")),
    patients: count(number("patients")),
    needed: count(number("needed")),
    type: typeName(told.finding_type, card.finding_types, t),
    dimension: t(`subgroups.dimension.${text("dimension")}`, { defaultValue: text("dimension") }),
    group:
      code === "one_sex" ? t(`subgroups.sex.${text("group")}`, { defaultValue: text("group") }) : text("group"),
    groups: groups.join(t("cases.join")),
    note: text("note") ? words(text("note"), t) : t("card.unknown"),
    name: code === "group_worse" ? groupOf(told as unknown as Group, card, t) : "",
    metric: t(`metric.${text("metric")}`, { defaultValue: text("metric") }),
    value: decimal(number("value"), 3),
    all: decimal(number("of_all"), 3),
    p95: decimal(number("p95"), 3),
    interval: interval({ value: number("value"), low: number("low"), high: number("high") }) ?? "",
    defaultValue: code,
  });
}

interface Group {
  dimension: string;
  group: string;
  unit: string;
  start: number | null;
  end: number | null;
  n?: number;
}

/** "Age 40–59", with n=12 where patients are counted. */
function groupOf(one: Group, card: ModelCard, t: T): string {
  const dimension = t(`subgroups.dimension.${one.dimension}`, { defaultValue: one.dimension });
  const name = groupName(one, card.finding_types as unknown as FindingType[], t);
  return `${dimension} ${name}${one.n === undefined ? "" : ` (${nOf(one.n)})`}`;
}
