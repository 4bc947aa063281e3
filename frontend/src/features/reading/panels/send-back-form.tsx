/** What is to be changed, said to the reader in place: by a key what is said often, the rest in words. */
import { useCallback, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { Kbd } from "@/ui/kbd";
import { SEND_BACK_REASONS } from "../state/room-session";
import { useSession, useUi } from "../state/session-context";
import type { ReviewActs } from "../state/use-review";

const LONGEST = 500;

export function SendBackForm({ acts, name }: { acts: ReviewActs; name: string }) {
  const { t } = useTranslation("reading");
  const { ui } = useSession();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useUi((state) => state.sendBack?.text ?? "");
  const toTheEnd = useCallback(() => {
    field.current?.focus();
    field.current?.setSelectionRange(field.current.value.length, field.current.value.length);
  }, []);
  useLayoutEffect(toTheEnd, [toTheEnd]);
  const choose = (n: number) => {
    acts.giveReason(n);
    toTheEnd();
  };
  const cancel = () => {
    field.current?.blur();
    ui.setState({ sendBack: null });
  };
  return (
    <form
      className="rr-why rr-send-back"
      aria-label={t("review.sendBack")}
      onSubmit={(event) => {
        event.preventDefault();
        acts.sendBack();
      }}
    >
      <label className="sm sec" htmlFor="rr-send-back">
        {t("review.whatToChange", { name })}
      </label>
      <div className="row" style={{ flexWrap: "wrap", gap: 6 }}>
        {SEND_BACK_REASONS.map((reason, index) => (
          <button key={reason} type="button" className="fkey" onClick={() => choose(index + 1)}>
            <Kbd>{String(index + 1)}</Kbd>
            {t(`review.short.${reason}`)}
          </button>
        ))}
      </div>
      <textarea
        id="rr-send-back"
        ref={field}
        className="in rr-comment"
        rows={3}
        value={text}
        maxLength={LONGEST}
        placeholder={t("review.inWords", { name })}
        onChange={(event) => ui.setState({ sendBack: { text: event.currentTarget.value } })}
        onKeyDown={(event) => {
          if (event.key === "Escape") cancel();
          if (event.nativeEvent.isComposing) return;
          const n = Number(event.key);
          if (!text && n >= 1 && n <= SEND_BACK_REASONS.length) {
            // The first digit of an empty field is a reason's key; nobody begins a sentence with it.
            event.preventDefault();
            choose(n);
          }
          // Enter that ends a word of an input method sends nothing.
          if (event.key !== "Enter" || event.shiftKey) return;
          event.preventDefault();
          acts.sendBack();
        }}
      />
      <div className="row" style={{ gap: 6, justifyContent: "flex-end" }}>
        <Button variant="ghost" kbd="Esc" onClick={cancel}>
          {t("review.cancel")}
        </Button>
        <Button variant="primary" type="submit" kbd="↵" disabled={!text.trim()} busy={acts.busy === "sendBack"}>
          {t("review.sendBack")}
        </Button>
      </div>
    </form>
  );
}
