import { Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";

interface ConfirmDialogProps {
  opened: boolean;
  title: string;
  children: ReactNode;
  /** What happens, verb first. */
  action: string;
  danger?: boolean;
  busy?: boolean;
  /** Enter confirms: for what does no harm and is asked often. */
  byEnter?: boolean;
  /** Something is still to be filled in. */
  disabled?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** A choice that must be made now. The button says what will happen, never "OK". */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={props.title}
      size={460}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <div className="stack">
        <div className="sec">{props.children}</div>
        <ErrorLine error={props.error} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button onClick={props.onClose}>{t("cancel")}</Button>
          <Button
            variant={props.danger ? "danger" : "primary"}
            busy={props.busy}
            disabled={props.disabled}
            data-autofocus={props.byEnter || undefined}
            onClick={props.onConfirm}
          >
            {props.action}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
