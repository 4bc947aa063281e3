import {
  IconAlertTriangle,
  IconArrowDown,
  IconArrowUp,
  IconBrush,
  IconDots,
  IconOval,
  IconPoint,
  IconPolygon,
  IconScribble,
  IconSquare,
  IconTrash,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { MarkKind } from "@/lib/api-types";
import { type Entry, MARKS } from "@/lib/vocabulary";
import { Menu, MenuItem } from "@/ui/menu";
import { ColourPicker } from "@/ui/vocabulary/colour-picker";

const ICONS = {
  box: IconSquare,
  ellipse: IconOval,
  polygon: IconPolygon,
  freehand: IconScribble,
  mask: IconBrush,
  point: IconPoint,
} as const;

interface EntryRowProps {
  entry: Entry;
  isChosen: boolean;
  isBad: boolean;
  isFirst: boolean;
  isLast: boolean;
  onChoose: () => void;
  onChange: (change: Partial<Entry>) => void;
  onMove: (step: -1 | 1) => void;
  onRemove: () => void;
}

export function EntryRow(props: EntryRowProps) {
  const { t } = useTranslation("vocabulary");
  const { entry, onChange, onChoose } = props;
  const toggle = (kind: MarkKind) =>
    onChange({
      allowed_marks: entry.allowed_marks.includes(kind)
        ? entry.allowed_marks.filter((one) => one !== kind)
        : MARKS.filter((one) => one === kind || entry.allowed_marks.includes(one)),
    });
  return (
    <tr className={`go${props.isChosen ? " on" : ""}`} onClick={onChoose} onFocus={onChoose}>
      <td style={{ width: 50 }}>
        <ColourPicker
          colour={entry.colour}
          label={t("colourOf", { name: entry.name })}
          onChange={(colour) => onChange({ colour })}
        />
      </td>
      <td>
        <span
          className="in d"
          style={{
            width: "100%",
            minWidth: 120,
            maxWidth: 200,
            borderColor: props.isBad ? "var(--bad)" : undefined,
          }}
        >
          <input
            value={entry.name}
            maxLength={80}
            placeholder={t("namePlaceholder")}
            aria-label={t("name")}
            aria-invalid={props.isBad || undefined}
            onChange={(event) => onChange({ name: event.currentTarget.value })}
          />
        </span>
      </td>
      <td>
        <KeyField value={entry.key} name={entry.name} onChange={(key) => onChange({ key })} />
      </td>
      <td>
        <span className="row" style={{ gap: 3 }}>
          {MARKS.map((kind) => {
            const Glyph = ICONS[kind];
            const on = entry.allowed_marks.includes(kind);
            return (
              <button
                key={kind}
                type="button"
                className={`tool${on ? " on" : ""}`}
                style={{ width: 26, height: 26 }}
                aria-pressed={on}
                aria-label={t(`mark.${kind}`)}
                title={t(`mark.${kind}`)}
                onClick={() => toggle(kind)}
              >
                <Glyph size={16} stroke={1.6} color={on ? undefined : "var(--n7)"} />
              </button>
            );
          })}
        </span>
      </td>
      <td>
        {entry.code_value ? (
          <span
            className="ell"
            style={{ display: "block", maxWidth: 150 }}
            title={`${entry.code_scheme} ${entry.code_value} ${entry.code_meaning}`}
          >
            <span className="mono sec">{entry.code_value}</span> <span className="sm q">{entry.code_meaning}</span>
          </span>
        ) : (
          <span className="row sm" style={{ gap: 6, color: "var(--warn)" }}>
            <IconAlertTriangle size={14} stroke={1.6} />
            {t("noCode")}
          </span>
        )}
      </td>
      <td className="sec num">{entry.attributes.length || t("none")}</td>
      <td style={{ width: 48 }}>
        <Menu
          width={170}
          align="end"
          trigger={(menu) => (
            <button
              type="button"
              className="tool"
              aria-label={t("moreOf", { name: entry.name })}
              style={{ width: 28, height: 28 }}
              {...menu}
            >
              <IconDots size={16} stroke={1.6} />
            </button>
          )}
        >
          <MenuItem
            disabled={props.isFirst}
            icon={<IconArrowUp size={16} stroke={1.6} />}
            onClick={() => props.onMove(-1)}
          >
            {t("up")}
          </MenuItem>
          <MenuItem
            disabled={props.isLast}
            icon={<IconArrowDown size={16} stroke={1.6} />}
            onClick={() => props.onMove(1)}
          >
            {t("down")}
          </MenuItem>
          <MenuItem danger icon={<IconTrash size={16} stroke={1.6} />} onClick={props.onRemove}>
            {t(entry.id === undefined ? "remove" : "retire")}
          </MenuItem>
        </Menu>
      </td>
    </tr>
  );
}

/** The digit that chooses this type while reading; finding types own the digits. */
export function KeyField({
  value,
  name,
  onChange,
}: {
  value: string;
  name: string;
  onChange: (key: string) => void;
}) {
  const { t } = useTranslation("vocabulary");
  return (
    <span className="in d" style={{ width: 34, padding: 0 }}>
      <input
        value={value}
        inputMode="numeric"
        aria-label={t("keyOf", { name })}
        style={{ textAlign: "center" }}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => onChange(event.currentTarget.value.replace(/\D/g, "").slice(-1))}
      />
    </span>
  );
}
