/** What the reader said of the case as a whole, and how: in the place where one's own verdict is given elsewhere. */
import { IconEye, IconEyeOff } from "@tabler/icons-react";
import { dayTime } from "@/lib/format";
import { Chip } from "@/ui/chip";
import { Kbd } from "@/ui/kbd";
import { useSession } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";
import { useWords } from "../state/use-words";

export function ReviewSection() {
  const t = useWords();
  const session = useSession();
  const keyOf = useKeyOf();
  const { review, room } = session;
  if (!review) return null;
  const { verdict, verdict_reason, comment, image_findings, decisions } = room.reading;
  const present = session.imageTypes.filter((type) => image_findings[String(type.id)] === "present");
  const isAssisted = review.arm === "assisted";
  const counts = (["accepted", "edited", "rejected"] as const)
    .map((kind) => [kind, decisions.filter((one) => one.kind === kind).length] as const)
    .filter(([, n]) => n > 0);
  return (
    <section className="sect" data-testid="reviewed">
      <dl className="kv">
        <dt>{t("verdictLabel")}</dt>
        <dd>
          <b className="b">{verdict ? t(`verdict.${verdict}`) : t("conflict.noVerdict")}</b>
          {verdict_reason ? (
            <div className="sec">{t(`reason.${verdict_reason}`, { defaultValue: verdict_reason })}</div>
          ) : null}
        </dd>
        {session.imageTypes.length ? (
          <>
            <dt>{t("review.image")}</dt>
            <dd>{present.length ? present.map((type) => type.name).join(t("comma")) : t("review.noneOfThem")}</dd>
          </>
        ) : null}
        <dt>{t("review.read")}</dt>
        <dd className="row" style={{ gap: 8 }}>
          <Chip tone={isAssisted ? "accent" : "neutral"} icon={isAssisted ? <IconEye /> : <IconEyeOff />}>
            {t(review.arm)}
          </Chip>
          <span className="sec num">{review.submitted_at ? dayTime(review.submitted_at) : ""}</span>
        </dd>
        {counts.length ? (
          <>
            <dt>{t("model")}</dt>
            <dd>
              {counts.map(([kind, n]) => t(`review.decided.${kind}`, { n })).join(t("comma"))}{" "}
              {session.findings.length ? (
                <span className="q nw">
                  <Kbd>{keyOf("originals")}</Kbd> {t("review.holdToSee")}
                </span>
              ) : null}
            </dd>
          </>
        ) : null}
        {comment ? (
          <>
            <dt>{t("comment")}</dt>
            <dd className="rr-words">{comment}</dd>
          </>
        ) : null}
      </dl>
    </section>
  );
}
