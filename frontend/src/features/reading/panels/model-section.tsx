/** The model's findings by score: one row open, with its score's meaning and accept, edit, reject. */
import { IconCheck, IconPencil, IconStack2, IconX } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Decision, Lesion, RoomModel } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { Kbd } from "@/ui/kbd";
import { Ring } from "@/ui/ring";
import { Swatch } from "@/ui/swatch";
import { fullSize, measured, shortSize } from "../marks/drawn-marks";
import { falsePositivesAt } from "../state/false-positives";
import { REJECT_REASONS } from "../state/room-session";
import { useMasks, useReading, useSession, useUi } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";

export function ModelSection() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const doc = useReading((state) => state.doc);
  const keyOf = useKeyOf();
  const model = session.room.model;
  const focused = useReading((state) => state.focused);
  if (!model) return null;
  const shown = session.shownFindings(doc);
  const decided = shown.filter((finding) => doc.decisions[finding.id]).length;
  const about = shown.find((finding) => finding.id === focused) ?? shown[0];
  const insideFrame = about ? session.frameIndexOf(about) : session.firstFrame;
  const hiddenCount = session.findings.length - shown.length;
  return (
    <section className="rr-list" data-findings data-testid="model">
      <div className="sect bare">
        <div className="sh">
          <Ring model size={13} />
          {t("model")}{" "}
          <span className="q ell">
            {model.version === null || model.name.endsWith(`v${model.version}`)
              ? model.name
              : `${model.name} v${model.version}`}
          </span>
          <span className="grow" />
          {model.version === null ? null : (
            <Link
              to={`/p/${session.project.slug}/models/${model.version}/inside/${session.room.case.id}?frame=${insideFrame + 1}`}
              target="_blank"
              rel="noopener"
              className="rr-inside q"
              aria-label={t("insideModel")}
              title={t("insideModel")}
            >
              <IconStack2 size={16} stroke={1.6} />
            </Link>
          )}
          <span className="chip">{t("decided", { decided, total: shown.length })}</span>
        </div>
        <Threshold model={model} />
        {hiddenCount ? <p className="xs q num">{t("belowThreshold", { count: hiddenCount })}</p> : null}
        {session.acceptsAll && decided < shown.length ? (
          <Button
            dense
            className="rr-accept-all"
            kbd={keyOf("acceptAll")}
            disabled={session.isReadonly}
            onClick={() => session.acceptAll()}
          >
            {t("acceptAll", { count: shown.length - decided })}
          </Button>
        ) : null}
        {session.findings.length === 0 ? <p className="sm q">{t("noFindings")}</p> : null}
      </div>
      {session.findings.map((finding, position) =>
        shown.includes(finding) ? (
          <FindingRow
            key={finding.id}
            finding={finding}
            index={position + 1}
            decision={doc.decisions[finding.id]}
          />
        ) : null,
      )}
    </section>
  );
}

/** The model's threshold; it can be raised to see less, never lowered below what the version shows. */
function Threshold({ model }: { model: RoomModel }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  useReading((state) => state.doc.display_threshold);
  const value = session.threshold;
  const least = model.display_threshold;
  const { froc } = model;
  return (
    <>
      <div className="row sm sec rr-threshold">
        <span className="nw">
          {t("threshold")} <b className="b num">{decimal(value)}</b>
        </span>
        <input
          type="range"
          className="rr-range grow"
          style={{ "--at": value } as React.CSSProperties}
          min={0}
          max={1}
          step={0.05}
          value={value}
          disabled={session.isReadonly}
          aria-label={t("threshold")}
          onChange={(event) => session.changeThreshold(Math.max(least, Number(event.target.value)))}
        />
      </div>
      <p className="xs q num rr-expected" data-testid="expected">
        {froc
          ? t("expectedFalse", { rate: decimal(falsePositivesAt(froc, value)), count: froc.n_cases })
          : t("expectedUnknown")}
      </p>
    </>
  );
}

interface RowProps {
  finding: Lesion;
  index: number;
  decision: Decision | undefined;
}

function FindingRow({ finding, index, decision }: RowProps) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const open = useReading((state) => state.focused === finding.id);
  const row = useRef<HTMLDivElement>(null);
  useMasks();
  useEffect(() => {
    if (open) row.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  const type = session.typeOf(finding.finding_type);
  const size = measured(session, finding);
  const where = session.frames.length > 1 ? t("onSlice", { n: session.frameIndexOf(finding) + 1 }) : null;
  const facts = [size ? (where ? shortSize(size) : fullSize(size)) : null, where].filter(Boolean).join(" · ");
  const rejected = decision?.kind === "rejected";
  const reason =
    rejected && decision.reason ? t(`reject.${decision.reason}`, { defaultValue: decision.reason }) : "";
  return (
    <div
      ref={row}
      className={open ? "rr-open" : undefined}
      data-finding={finding.id}
      data-decision={decision?.kind ?? "open"}
    >
      <button
        type="button"
        className={`le${open ? " on" : ""}${rejected ? " rej" : ""}`}
        aria-expanded={open}
        onClick={() => session.focus(open ? null : finding)}
      >
        <span className="ix num">{index}</span>
        <Swatch colour={type?.colour ?? "#f2f2f2"} model />
        <span className="ell">
          <span className="ty">{type?.name}</span>{" "}
          <span className="q sm">{rejected ? reason || facts : facts}</span>
        </span>
        <span className="row" style={{ gap: 7 }}>
          {finding.score === null ? null : (
            <>
              <span className="score" aria-hidden="true">
                <i style={{ width: `${finding.score * 100}%` }} />
              </span>
              <span className="num" style={{ width: 28 }}>
                {decimal(finding.score)}
              </span>
            </>
          )}
        </span>
        <DecisionGlyph decision={decision} />
      </button>
      {open ? <OpenFinding finding={finding} decision={decision} /> : null}
    </div>
  );
}

function DecisionGlyph({ decision }: { decision: Decision | undefined }) {
  const { t } = useTranslation("reading");
  const kind = decision?.kind ?? "open";
  const look = { accepted: "a", edited: "e", rejected: "x", open: "u" }[kind];
  const size = { size: 12, stroke: 2.4 };
  return (
    <span className={`st ${look}`} role="img" aria-label={t(`decision.${kind}`)} title={t(`decision.${kind}`)}>
      {kind === "accepted" ? <IconCheck {...size} /> : null}
      {kind === "edited" ? <IconPencil {...size} /> : null}
      {kind === "rejected" ? <IconX {...size} /> : null}
    </span>
  );
}

function OpenFinding({ finding, decision }: { finding: Lesion; decision: Decision | undefined }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const keyOf = useKeyOf();
  const rejecting = useUi((state) => state.rejecting === finding.id);
  return (
    <div className="lx">
      <ScoreSentence finding={finding} />
      {rejecting ? (
        <Reasons finding={finding} />
      ) : (
        <div className="row" style={{ gap: 6 }}>
          <Button
            dense
            variant={decision ? "default" : "primary"}
            kbd={keyOf("accept")}
            disabled={session.isReadonly}
            aria-pressed={decision?.kind === "accepted"}
            onClick={() => session.accept(finding)}
          >
            {t("accept")}
          </Button>
          <Button
            dense
            kbd={keyOf("editFinding")}
            disabled={session.isReadonly}
            onClick={() => session.editFinding(finding)}
          >
            {t("edit.verb")}
          </Button>
          <Button
            dense
            kbd={keyOf("reject")}
            disabled={session.isReadonly}
            onClick={() => session.askRejection(finding)}
          >
            {t("rejectVerb")}
          </Button>
          <span className="grow" />
          <Kbd>{keyOf("nextFinding")}</Kbd>
        </div>
      )}
    </div>
  );
}

/** What the score is worth: its probability and what backs it, or "uncalibrated" and why. */
function ScoreSentence({ finding }: { finding: Lesion }) {
  const { t } = useTranslation("reading");
  const model = useSession().room.model;
  if (finding.score === null || !model) return null;
  const { calibration } = model;
  const score = decimal(finding.score);
  const probability = model.probabilities[finding.id];
  if (typeof probability !== "number") {
    const why =
      calibration.note && calibration.note !== "uncalibrated" ? serverWords(calibration.note, t) : undefined;
    return (
      <p className="sm sec" title={why}>
        {t("uncalibrated", { score })}
      </p>
    );
  }
  return (
    <p
      className="sm sec"
      title={t("calibratedOn", { findings: count(calibration.n), patients: count(calibration.n_patients) })}
    >
      {t("calibrated", { score, probability: decimal(probability), n: Math.round(probability * 10) })}
    </p>
  );
}

function Reasons({ finding }: { finding: Lesion }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const keyOf = useKeyOf();
  return (
    <fieldset className="rr-reasons">
      <legend className="sm">{t("whyReject")}</legend>
      {REJECT_REASONS.map((reason, i) => (
        <button key={reason} type="button" className="fkey" onClick={() => session.reject(finding, reason)}>
          <Kbd>{String(i + 1)}</Kbd>
          {t(`reject.${reason}`)}
        </button>
      ))}
      <button type="button" className="fkey" onClick={() => session.reject(finding, "")}>
        <Kbd>{keyOf("reject")}</Kbd>
        {t("reject.none")}
      </button>
    </fieldset>
  );
}
