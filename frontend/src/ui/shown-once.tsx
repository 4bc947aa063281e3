import { CopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";

/** A secret that the server tells once: selectable, with a button that copies it. */
export function ShownOnce({ secret, note }: { secret: string; note: string }) {
  const { t } = useTranslation();
  return (
    <div className="alert ok" style={{ display: "block" }}>
      <p style={{ marginBottom: 8 }}>{note}</p>
      <div className="row">
        <code className="mono code" style={{ overflow: "auto", userSelect: "all" }}>
          {secret}
        </code>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button
              dense
              icon={copied ? <IconCheck size={14} stroke={1.6} /> : <IconCopy size={14} stroke={1.6} />}
              onClick={copy}
            >
              {t(copied ? "copied" : "copy")}
            </Button>
          )}
        </CopyButton>
      </div>
    </div>
  );
}
