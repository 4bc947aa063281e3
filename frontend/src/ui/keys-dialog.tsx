import { Modal } from "@mantine/core";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Kbd } from "@/ui/kbd";

/** Keys that do one thing: ["J"] or alternatives ["J", "K"]; a chord is one string, "Ctrl K". */
export interface KeyLine {
  keys: string[];
  does: string;
}
export interface KeyGroup {
  title: string;
  lines: KeyLine[];
}

interface KeysDialogProps {
  opened: boolean;
  onClose: () => void;
  /** Keys of pages that only leads have are shown to leads. */
  isLead?: boolean;
  /** Groups of the place that opens it, before the common ones. */
  groups?: KeyGroup[];
}

/** Every key in force, by group. */
export function KeysDialog({ opened, onClose, isLead = false, groups = [] }: KeysDialogProps) {
  const { t } = useTranslation();
  const common: KeyGroup[] = [
    {
      title: t("keys.everywhere"),
      lines: [
        { keys: ["?"], does: t("keys.help") },
        { keys: ["Ctrl K"], does: t("keys.jump") },
        { keys: ["Alt ←"], does: t("keys.back") },
        { keys: ["Esc"], does: t("keys.close") },
      ],
    },
    {
      title: t("keys.lists"),
      lines: [
        { keys: ["J", "K", "↑", "↓"], does: t("keys.move") },
        { keys: ["PgUp", "PgDn", "Home", "End"], does: t("keys.leap") },
        { keys: ["↵"], does: t("keys.open") },
        { keys: ["/"], does: t("keys.search") },
        { keys: ["F"], does: t("keys.filter") },
        { keys: ["G"], does: t("keys.filters") },
        { keys: ["S"], does: t("keys.sort") },
        { keys: ["C"], does: t("keys.continue") },
        ...(isLead ? [{ keys: ["X"], does: t("keys.choose") }] : []),
      ],
    },
    {
      title: t("keys.pagesTitle"),
      lines: [
        { keys: ["I"], does: t("keys.import") },
        { keys: ["R"], does: t("keys.round") },
        { keys: ["L"], does: t("keys.log") },
        { keys: ["Ctrl ↵"], does: t("keys.nextStep") },
      ],
    },
  ];
  const shown = groups.length ? [...groups, ...common.slice(0, 1)] : isLead ? common : common.slice(0, 2);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("keys.title")}
      size={shown.length > 3 ? 900 : shown.length > 2 ? 800 : 560}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <div
        style={shown.length > 3 ? { columns: 3, columnGap: 32 } : { display: "flex", gap: 40, flexWrap: "wrap" }}
      >
        {shown.map((group) => (
          <section key={group.title} style={{ breakInside: "avoid", marginBottom: 18 }}>
            <h3 style={{ marginBottom: 8 }}>{group.title}</h3>
            <dl
              style={{
                display: "grid",
                gridTemplateColumns: "max-content 1fr",
                gap: "6px 12px",
                alignItems: "center",
              }}
            >
              {group.lines.map((line) => (
                <Fragment key={line.does}>
                  <dt className="row" style={{ gap: 4, minWidth: 52 }}>
                    {line.keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </dt>
                  <dd className="sm">{line.does}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="q sm" style={{ marginTop: 4 }}>
        {t("keys.typing")}
      </p>
    </Modal>
  );
}
