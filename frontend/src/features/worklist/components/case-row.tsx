import {
  IconArrowBackUp,
  IconCheck,
  IconClock,
  IconEye,
  IconEyeOff,
  IconEyeSearch,
  IconLock,
  IconMessageReport,
} from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ReasonCell } from "@/features/worklist/components/reason-cell";
import type { SentBack, WorkRow, WorkState } from "@/lib/api-types";
import { ago, DASH, middle } from "@/lib/format";
import { Chip, type ChipTone } from "@/ui/chip";
import { ScoreBar } from "@/ui/score-bar";
import { Thumbnail } from "@/ui/thumbnail";

interface CaseRowProps {
  row: WorkRow | undefined;
  index: number;
  slug: string;
  isPointed: boolean;
  leadColumns: boolean;
  isChosen: boolean;
  onChoose: (id: string) => void;
  onPoint: (index: number) => void;
  onOpen: (row: WorkRow) => void;
}

/** Drawn anew only when the row itself changes: while the list scrolls, all but the one that comes in stay as they are. */
export const CaseRow = memo(function CaseRow(props: CaseRowProps) {
  const { row, index, slug, isPointed, leadColumns, isChosen, onChoose, onPoint, onOpen } = props;
  const { t } = useTranslation("worklist");
  if (!row) return <RowToCome index={index} isPointed={isPointed} columns={leadColumns ? 10 : 7} />;
  return (
    <tr
      className={`go${isPointed ? " on" : ""}`}
      aria-current={isPointed || undefined}
      onMouseDown={() => onPoint(index)}
      onClick={() => onOpen(row)}
    >
      <td>
        <span className="row" style={{ gap: 10 }}>
          {leadColumns ? (
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label={t("bulk.choose", { name: row.name })}
              checked={isChosen}
              onClick={(event) => event.stopPropagation()}
              onChange={() => onChoose(row.id)}
            />
          ) : null}
          <Thumbnail src={row.thumbnail} width={52} height={39} />
        </span>
      </td>
      <td className="b ell">
        <Link
          to={`/p/${slug}/read/${row.id}`}
          style={{ color: "inherit" }}
          onClick={(event) => event.stopPropagation()}
          tabIndex={-1}
        >
          {row.name}
        </Link>
        {row.burnt_in ? (
          <div title={t("nameReport.chip")}>
            <Chip tone="warn" icon={<IconMessageReport />}>
              {t("nameReport.inRow")}
            </Chip>
          </div>
        ) : null}
      </td>
      {leadColumns ? <LeadCells row={row} /> : null}
      <td>
        {row.sent_back ? (
          <Chip tone="warn" icon={<IconArrowBackUp />}>
            {t("sentBack.chip")}
          </Chip>
        ) : (
          <StateChip state={row.state} />
        )}
      </td>
      {row.sent_back && !leadColumns ? (
        // What is to be changed matters more than why the case is next, and wants their room.
        <td className="sec wrap" colSpan={3}>
          <SentBackCell {...row.sent_back} />
        </td>
      ) : (
        <>
          {leadColumns ? null : (
            <td className="sec wrap">
              {row.blinded ? (
                <Chip icon={<IconEyeOff />}>{t("blinded")}</Chip>
              ) : row.first_look ? (
                <Chip icon={<IconEyeSearch />}>{t("firstLook")}</Chip>
              ) : row.reason ? (
                <ReasonCell reason={row.reason} />
              ) : null}
            </td>
          )}
          <td>
            {row.blinded || row.first_look ? (
              <span className="q">{DASH}</span>
            ) : (
              <span className="row" style={{ gap: 8 }}>
                {row.top_score === null ? null : <ScoreBar score={row.top_score} />}
                {row.n_findings === null || leadColumns ? null : (
                  <span className="q sm">{t("findings", { count: row.n_findings })}</span>
                )}
              </span>
            )}
          </td>
          <td className="sec wrap sm wl-own">
            {row.leased_by ? (
              <span className="row" style={{ gap: 6 }}>
                <IconLock size={14} stroke={1.6} />
                {t("leasedBy", { name: row.leased_by })}
              </span>
            ) : row.sent_back ? (
              <SentBackCell {...row.sent_back} />
            ) : (
              (row.given && t("givenToYou")) || noteOf(row, t)
            )}
          </td>
        </>
      )}
      <td className="q r sm wl-own">{row.changed_at ? ago(row.changed_at) : ""}</td>
    </tr>
  );
});

/** What is to be changed, and who says so: two lines of it; the room shows it whole. */
function SentBackCell({ by, comment }: SentBack) {
  const { t } = useTranslation("worklist");
  const text = t("sentBack.said", { name: by, text: comment });
  return (
    <span className="rv-said" title={text}>
      {text}
    </span>
  );
}

/** A row whose page is on its way: quiet bars, as everywhere while a list loads. */
function RowToCome({ index, isPointed, columns }: { index: number; isPointed: boolean; columns: number }) {
  return (
    <tr aria-hidden="true" className={`wl-coming${isPointed ? " on" : ""}`}>
      <td>
        <i style={{ width: 52, height: 39 }} />
      </td>
      <td>
        <i style={{ width: "70%" }} />
      </td>
      <td colSpan={columns - 2}>
        <i style={{ width: `${20 + ((index * 37) % 30)}%` }} />
      </td>
    </tr>
  );
}

/** How far a begun case is, else what was noted when it was deferred. */
export function noteOf(row: WorkRow, t: TFunction<"worklist">): string {
  if (row.sent_back) return t("sentBack.chip");
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
      <td className="sm sec">
        {(row.readers ?? []).slice(0, 2).map((reader) => (
          <span key={reader.username} className="row" style={{ gap: 5 }} title={t(`assignment.${reader.state}`)}>
            {reader.held_until ? <IconLock size={12} stroke={1.6} style={{ flex: "none" }} /> : null}
            <span className="ell">{reader.name}</span>
            <span className="q xs nw">{t(`assignment.${reader.state}`)}</span>
          </span>
        ))}
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
