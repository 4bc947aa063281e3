/** Agree, edit or send back: always at the bottom, always visible; then the next reading opens. */
import { useTranslation } from "react-i18next";
import { dayTime } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import type { Command } from "../state/keymap";
import { type Choice, isEditBegun } from "../state/review-choices";
import { useSession, useUi } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";
import type { ReviewActs } from "../state/use-review";
import { SendBackForm } from "./send-back-form";

const BUTTONS: { choice: Choice; command: Command; act: "agree" | "edit" | "askSendBack" }[] = [
  { choice: "agree", command: "agree", act: "agree" },
  { choice: "edit", command: "editReading", act: "edit" },
  { choice: "sendBack", command: "sendBack", act: "askSendBack" },
];

export function ReviewFoot({ acts, waiting }: { acts: ReviewActs; waiting: number | null }) {
  const { t } = useTranslation("reading");
  const { review } = useSession();
  const keyOf = useKeyOf();
  const isAsked = useUi((state) => state.sendBack !== null);
  const hint = useUi((state) => state.hint);
  const { choices, told, busy } = acts;
  if (!review) return null;
  const { name } = review.reader;
  const isOffline = choices.agree === "offline";
  const said = status();
  return (
    <div className="foot" data-testid="review-foot">
      <p
        className={`sm ${isOffline || told || hint ? "rr-hint" : "sec"}${said ? " rr-reason" : ""}`}
        role="status"
      >
        {said}
      </p>
      {choices.sendBack === "blinded" && !told ? (
        // Said beforehand, so that nobody looks for a way that is not there.
        <p className="sm q rr-reason">{t("review.whyNot.blinded", { name })}</p>
      ) : null}
      {isAsked ? (
        <SendBackForm acts={acts} name={name} />
      ) : (
        <div className="row rr-decide">
          {BUTTONS.map(({ choice, command, act }) => (
            <Button
              key={choice}
              variant={choice === "agree" && !choices.agree ? "primary" : "default"}
              kbd={keyOf(command)}
              busy={busy === choice}
              disabled={choices[choice] !== null || busy !== null}
              title={choices[choice] ? t(`review.whyNot.${choices[choice]}`, { name }) : undefined}
              onClick={acts[act]}
            >
              {t(choice === "edit" && isEditBegun(review) ? "review.goOn" : `review.${choice}`)}
            </Button>
          ))}
        </div>
      )}
      {isAsked ? null : (
        <div className="row" style={{ marginTop: 10 }}>
          <span className="grow sm q num">{waiting === null ? "" : t("review.waiting", { count: waiting })}</span>
          <Button variant="ghost" dense kbd={keyOf("skip")} busy={busy === "skip"} onClick={acts.skip}>
            {t("review.skip")}
          </Button>
        </div>
      )}
    </div>
  );

  /** What keeps from deciding, what came of the last act, else what was decided before. */
  function status(): string {
    if (isOffline) return t("review.whyNot.offline");
    if (told) return "key" in told ? t(told.key, { name }) : serverWords(told.text, t);
    if (hint?.key === "readonly") return t("review.readonly", { key: keyOf("editReading") });
    if (hint) return t(`hint.${hint.key}`, { ...hint.values });
    return isAsked ? "" : decided();
  }

  function decided(): string {
    const known = review?.review;
    if (!known) return t("review.undecided");
    const { reviewer, is_mine, decision, comment } = known;
    const isDraft = known.replacement?.state === "draft";
    const key = `review.${is_mine ? "byYou" : "by"}.${isDraft ? "editing" : decision}`;
    const what = t(key, { name: reviewer.name, when: dayTime(known.decided_at) });
    return comment ? `${what} ${comment}` : what;
  }
}
