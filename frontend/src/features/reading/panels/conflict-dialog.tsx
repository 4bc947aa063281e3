/** Two versions of one reading: both shown on the same view, what differs in a table, one to go on with. */
import { Modal } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Reading } from "@/lib/api-types";
import { time } from "@/lib/format";
import { type Affine, canvasFromScoord } from "@/lib/imaging/coordinates";
import { Button } from "@/ui/button";
import { type Difference, differences } from "../state/differences";
import { documentOf, type ReadingDocument } from "../state/document";
import type { RoomSession } from "../state/room-session";
import { useMasks, useReading, useSaveStatus, useSession, useUi, useView } from "../state/session-context";
import { useWords } from "../state/use-words";

export function ConflictDialog() {
  const status = useSaveStatus();
  const shown = useUi((state) => state.conflictShown);
  if (status.kind !== "conflict") return null;
  return <Conflict theirs={status.theirs} submitted={status.theirsSubmitted} opened={shown} />;
}

function Conflict({ theirs, submitted, opened }: { theirs: Reading; submitted: boolean; opened: boolean }) {
  const t = useWords();
  const session = useSession();
  const mine = useReading((state) => state.doc);
  const [choice, setChoice] = useState<"mine" | "theirs">(submitted ? "theirs" : "mine");
  const [busy, setBusy] = useState(false);
  useMasks();
  const other = useMemo(() => documentOf(theirs), [theirs]);
  const picture = useMemo(() => session.view?.picture() ?? null, [session]);
  useMemo(() => session.masks.need(other.lesions), [session, other]);
  const rows = differences(session, mine, other, t);
  const go = async () => {
    setBusy(true);
    await (choice === "mine" ? session.keepMine() : session.takeTheirs());
    setBusy(false);
  };
  return (
    <Modal
      opened={opened}
      onClose={() => session.ui.setState({ conflictShown: false })}
      size="936px"
      title={t("conflict.title")}
      closeButtonProps={{ "aria-label": t("conflict.later") }}
    >
      <p className="sec" style={{ marginBottom: 16 }}>
        {t(submitted ? "conflict.submitted" : "conflict.explain")}
      </p>
      <div className="rr-versions" role="radiogroup" aria-label={t("conflict.title")}>
        <Version
          name={t("conflict.mine")}
          note={t("conflict.now")}
          chosen={choice === "mine"}
          onChoose={() => setChoice("mine")}
          picture={picture}
          doc={mine}
        />
        <Version
          name={t("conflict.theirs")}
          note={time(theirs.updated_at, true)}
          chosen={choice === "theirs"}
          onChoose={() => setChoice("theirs")}
          picture={picture}
          doc={other}
        />
      </div>
      <div className="rr-differences">
        <table>
          <tbody>
            {rows.map((row) => (
              <DifferenceRow key={row.name} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      <div className="row" style={{ marginTop: 18, gap: 8 }}>
        <span className="grow" />
        <Button onClick={() => session.ui.setState({ conflictShown: false })}>{t("conflict.later")}</Button>
        <Button variant="primary" busy={busy} onClick={() => void go()} data-autofocus>
          {t(
            choice === "mine" ? (submitted ? "conflict.reopenMine" : "conflict.keepMine") : "conflict.takeTheirs",
          )}
        </Button>
      </div>
    </Modal>
  );
}

function DifferenceRow({ row }: { row: Difference }) {
  const { t } = useTranslation("reading");
  return (
    <tr>
      <td className="sec">{row.name}</td>
      <td className={row.same ? "sec" : "b"}>{row.mine}</td>
      <td className={row.same ? "sec" : "b"}>{row.theirs}</td>
      <td className="r">
        {row.same ? (
          <span className="q">{t("conflict.same")}</span>
        ) : (
          <span className="chip warn">{t("conflict.differs")}</span>
        )}
      </td>
    </tr>
  );
}

interface VersionProps {
  name: string;
  note: string;
  chosen: boolean;
  onChoose: () => void;
  picture: string | null;
  doc: ReadingDocument;
}

function Version({ name, note, chosen, onChoose, picture, doc }: VersionProps) {
  const session = useSession();
  const size = useView((state) => state.size);
  const toCanvas = useView((state) => state.toCanvas);
  const shown = useView((state) => state.shown) ?? 0;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a radio input cannot hold a picture
    <button
      type="button"
      role="radio"
      aria-checked={chosen}
      className={`rr-version${chosen ? " on" : ""}`}
      onClick={onChoose}
    >
      <span className="row rr-version-head">
        <i className={`rr-radio${chosen ? " on" : ""}`} />
        <b className="b">{name}</b>
        <span className="grow" />
        <span className="num sec">{note}</span>
      </span>
      <svg viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
        {picture ? <image href={picture} width={size.width} height={size.height} /> : null}
        {toCanvas ? <Outlines session={session} doc={doc} index={shown} to={toCanvas} /> : null}
      </svg>
    </button>
  );
}

function Outlines({
  session,
  doc,
  index,
  to,
}: {
  session: RoomSession;
  doc: ReadingDocument;
  index: number;
  to: Affine;
}) {
  return doc.lesions
    .filter((lesion) => session.isOnFrame(lesion, index))
    .map((lesion) => {
      const d = session
        .outlines(lesion, index)
        .map((line) => `M${line.map((point) => canvasFromScoord(point, to).join(" ")).join("L")}Z`)
        .join("");
      const style = { "--c": session.typeOf(lesion.finding_type)?.colour } as React.CSSProperties;
      return (
        <g key={lesion.id} style={style}>
          <path className="mk h" d={d} />
          <path className="mk sel" d={d} />
        </g>
      );
    });
}
