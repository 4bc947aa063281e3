/** What the case shows, and handing it in: always at the bottom, always visible. */
import { useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Verdict } from "@/lib/api-types";
import { Button } from "@/ui/button";
import { Segmented } from "@/ui/segmented";
import type { ReadingDocument } from "../state/document";
import type { Command } from "../state/keymap";
import { type Obstacle, VERDICT_REASONS } from "../state/room-session";
import type { ReasonFor, RoomUi } from "../state/room-ui";
import { useMasks, useReading, useSession, useSlicesSeen, useUi } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";
import { useWords, type Words } from "../state/use-words";

const VERDICTS: { value: Exclude<Verdict, "">; command: Command }[] = [
  { value: "lesions", command: "lesions" },
  { value: "no_lesion", command: "noLesion" },
  { value: "not_readable", command: "notReadable" },
  { value: "deferred", command: "defer" },
];

export function VerdictFoot({ onSubmit, submitting }: { onSubmit: () => void; submitting: boolean }) {
  const t = useWords();
  const session = useSession();
  const keyOf = useKeyOf();
  const doc = useReading((state) => state.doc);
  const hint = useUi((state) => state.hint);
  const reasonFor = useUi((state) => state.reasonFor);
  const obstacle = session.obstacle(doc);
  const deferring = doc.verdict === "deferred";
  return (
    <div className="foot">
      {reasonFor ? <Reason key={reasonFor} verdict={reasonFor} /> : null}
      {!reasonFor && doc.verdict_reason ? (
        <p className="sm sec rr-reason">
          {t(`verdict.${doc.verdict}`)}: {t(`reason.${doc.verdict_reason}`, { defaultValue: doc.verdict_reason })}
        </p>
      ) : null}
      <Segmented<string>
        fill
        label={t("verdictLabel")}
        value={reasonFor ?? doc.verdict}
        disabled={session.isReadonly}
        options={VERDICTS.map(({ value, command }) => ({
          value,
          label: t(`verdict.${value}`),
          title: `${t(`verdict.${value}`)}  ${keyOf(command)}`,
        }))}
        onChange={(value) => session.chooseVerdict(value as Verdict)}
      />
      <div className="row" style={{ marginTop: 10 }}>
        <span className="grow">
          <span className={`sm${hint ? " rr-hint" : " sec"}`} role="status">
            {hint ? hintText(hint, t) : summary(doc, obstacle, t)}
          </span>
          {obstacle || deferring || doc.verdict === "not_readable" ? null : <Unread doc={doc} />}
        </span>
        <Button
          variant={obstacle ? "default" : "primary"}
          className={obstacle ? "off" : ""}
          kbd={keyOf("submit")}
          busy={submitting}
          disabled={session.isReadonly}
          onClick={onSubmit}
        >
          {t(deferring ? "deferAndNext" : "submitAndNext")}
        </Button>
      </div>
    </div>
  );
}

/** What the reading will not speak of; it stands in nobody's way. */
function Unread({ doc }: { doc: ReadingDocument }) {
  const t = useWords();
  const session = useSession();
  useSlicesSeen();
  useMasks();
  const count = session.unreadSlices(doc);
  if (count === 0) return null;
  return (
    <span className="sm sec rr-unread" data-testid="unread">
      {t("unreadSlices", { count, total: session.frames.length })}
    </span>
  );
}

function hintText(hint: NonNullable<RoomUi["hint"]>, t: Words): string {
  const { mark, ...rest } = (hint.values ?? {}) as Record<string, unknown> & { mark?: string };
  return t(`hint.${hint.key}`, { ...rest, ...(mark ? { mark: t(`kind.${mark}`) } : {}) });
}

function summary(
  doc: { lesions: unknown[]; image_findings: Record<string, unknown>; verdict: string },
  obstacle: Obstacle | null,
  t: Words,
): string {
  if (obstacle) {
    const { key, ...values } = obstacle;
    return t(`hint.${key}`, values);
  }
  const present = Object.values(doc.image_findings).filter((value) => value === "present").length;
  const marks = t("marksCount", { count: doc.lesions.length });
  return present ? `${marks}${t("comma")}${t("findingsCount", { count: present })}` : marks;
}

function Reason({ verdict }: { verdict: ReasonFor }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useLayoutEffect(() => field.current?.focus(), []);
  return (
    <form
      className="rr-why"
      onSubmit={(event) => {
        event.preventDefault();
        session.giveReason(text);
      }}
    >
      <label className="sm sec" htmlFor="rr-why">
        {t(`why.${verdict}`)}
      </label>
      <div className="row" style={{ flexWrap: "wrap", gap: 6 }}>
        {VERDICT_REASONS[verdict].map((reason) => (
          <button
            key={reason}
            type="button"
            className="fkey"
            onClick={() => session.giveReason(t(`reason.${reason}`))}
          >
            {t(`reason.${reason}`)}
          </button>
        ))}
      </div>
      <div className="row" style={{ gap: 6 }}>
        <span className="in d grow">
          <input
            id="rr-why"
            ref={field}
            value={text}
            maxLength={300}
            placeholder={t("whyOther")}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") session.ui.setState({ reasonFor: null });
            }}
          />
        </span>
        <Button dense type="submit" disabled={!text.trim()} kbd="↵">
          {t("giveReason")}
        </Button>
      </div>
    </form>
  );
}
