import { IconEye, IconEyeOff } from "@tabler/icons-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { DecisionChip } from "@/features/review/components/decision-chip";
import type { Review, ReviewRow } from "@/lib/api-types";
import { ago } from "@/lib/format";
import { Chip } from "@/ui/chip";
import { Thumbnail } from "@/ui/thumbnail";

interface QueueRowProps {
  row: ReviewRow;
  index: number;
  /** Null where it cannot be opened. */
  way: string | null;
  /** When it was submitted, or decided on. */
  time: string | null;
  isPointed: boolean;
  onPoint: (index: number) => void;
  onOpen: (way: string | null) => void;
}

export const QueueRow = memo(function QueueRow({
  row,
  index,
  way,
  time,
  isPointed,
  onPoint,
  onOpen,
}: QueueRowProps) {
  const { t } = useTranslation("review");
  const { review, reader } = row;
  const isAssisted = row.arm === "assisted";
  return (
    <tr
      className={`${way ? "go" : ""}${isPointed ? " on" : ""}`}
      aria-current={isPointed || undefined}
      onMouseDown={() => onPoint(index)}
      onClick={() => onOpen(way)}
    >
      <td>
        <Thumbnail src={row.case.thumbnail} width={52} height={39} />
      </td>
      <td className="b ell">
        {way ? (
          <Link to={way} style={{ color: "inherit" }} tabIndex={-1} onClick={(event) => event.stopPropagation()}>
            {row.case.name}
          </Link>
        ) : (
          row.case.name
        )}
      </td>
      <td className="ell" title={reader.name}>
        {reader.name}
      </td>
      <td>
        <span className="row" style={{ gap: 8 }}>
          {row.verdict ? t(`verdict.${row.verdict}`) : null}
          {row.n_lesions ? <span className="q sm num">{t("marks", { count: row.n_lesions })}</span> : null}
        </span>
      </td>
      <td>
        <Chip tone={isAssisted ? "accent" : "neutral"} icon={isAssisted ? <IconEye /> : <IconEyeOff />}>
          {t(row.arm)}
        </Chip>
      </td>
      <td className="q sm">{time ? ago(time) : ""}</td>
      <td className="sec wrap sm">
        <span className="row" style={{ gap: 12 }}>
          <DecisionChip review={review} />
          {review ? <Said review={review} /> : null}
        </span>
      </td>
    </tr>
  );
});

/** Who decided, and what was said: two lines of it, the whole on hover. */
function Said({ review }: { review: Review }) {
  const { t } = useTranslation("review");
  const who = review.is_mine ? t("you") : review.reviewer.name;
  const text = review.comment ? t("said", { who, text: review.comment }) : who;
  return (
    <span className="rv-said" title={text}>
      {text}
    </span>
  );
}
