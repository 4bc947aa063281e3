import { IconCheck, IconClock, IconEye, IconEyeOff, IconLock } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ReasonCell } from "@/features/worklist/components/reason-cell";
import type { WorkRow, WorkState } from "@/lib/api-types";
import { ago, DASH, middle } from "@/lib/format";
import { Chip, type ChipTone } from "@/ui/chip";
import { ScoreBar } from "@/ui/score-bar";
import { Thumbnail } from "@/ui/thumbnail";

interface CaseRowProps {
  row: WorkRow | undefined;
  isPointed: boolean;
  leadColumns: boolean;
  onPoint: () => void;
  onOpen: (row: WorkRow) => void;
  href: (row: WorkRow) => string;
}

export function CaseRow({ row, isPointed, leadColumns, onPoint, onOpen, href }: CaseRowProps) {
  const { t } = useTranslation("worklist");
  if (!row) {
    return (
      <tr aria-hidden="true">
        <td colSpan={leadColumns ? 9 : 7} />
      </tr>
    );
  }
  return (
    <tr
      className={`go${isPointed ? " on" : ""}`}
      aria-current={isPointed || undefined}
      onMouseDown={onPoint}
      onClick={() => onOpen(row)}
    >
      <td>
        <Thumbnail src={row.thumbnail} width={52} height={39} />
      </td>
      <td className="b ell">
        <Link
          to={href(row)}
          style={{ color: "inherit" }}
          onClick={(event) => event.stopPropagation()}
          tabIndex={-1}
        >
          {row.name}
        </Link>
      </td>
      {leadColumns ? <LeadCells row={row} /> : null}
      <td>
        <StateChip state={row.state} />
      </td>
      {leadColumns ? null : (
        <td className="sec wrap">
          {row.blinded ? (
            <Chip icon={<IconEyeOff />}>{t("blinded")}</Chip>
          ) : row.reason ? (
            <ReasonCell reason={row.reason} />
          ) : null}
        </td>
      )}
      <td>
        {row.blinded ? (
          <span className="q">{DASH}</span>
        ) : (
          <span className="row" style={{ gap: 8 }}>
            {row.top_score === null ? null : <ScoreBar score={row.top_score} />}
            {row.n_findings === null ? null : (
              <span className="q sm">{t("findings", { count: row.n_findings })}</span>
            )}
          </span>
        )}
      </td>
      <td className="sec wrap sm">
        {row.leased_by ? (
          <span className="row" style={{ gap: 6 }}>
            <IconLock size={14} stroke={1.6} />
            {t("leasedBy", { name: row.leased_by })}
          </span>
        ) : (
          noteOf(row, t)
        )}
      </td>
      <td className="q r sm">{row.changed_at ? ago(row.changed_at) : ""}</td>
    </tr>
  );
}

/** How far a begun case is, else what was noted when it was deferred. */
export function noteOf(row: WorkRow, t: TFunction<"worklist">): string {
  if (row.n_decided !== null && row.n_findings)
    return t("decided", { done: row.n_decided, count: row.n_findings });
  return row.note;
}

function LeadCells({ row }: { row: WorkRow }) {
  const { t } = useTranslation("worklist");
  return (
    <>
      <td className="mono sec ell" title={row.source_name}>
        {middle(row.source_name ?? "", 36)}
      </td>
      <td className="sm sec">{row.split}</td>
      <td>
        {row.arm ? (
          <Chip
            tone={row.arm === "assisted" ? "accent" : "neutral"}
            icon={row.arm === "assisted" ? <IconEye /> : <IconEyeOff />}
          >
            {t(row.arm)}
          </Chip>
        ) : null}
      </td>
    </>
  );
}

const TONE: Record<WorkState, ChipTone> = {
  to_read: "neutral",
  in_progress: "accent",
  submitted: "ok",
  deferred: "warn",
};

function StateChip({ state }: { state: WorkState }) {
  const { t } = useTranslation("worklist");
  const icon = state === "submitted" ? <IconCheck /> : state === "deferred" ? <IconClock /> : undefined;
  return (
    <Chip tone={TONE[state]} icon={icon}>
      {t(`state.${state}`)}
    </Chip>
  );
}
