import { IconUpload } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { filesOfDrop, filesOfInput, type NamedFile } from "@/lib/dropped-files";
import { Button } from "@/ui/button";

/** Files, a folder or a zip, dropped or chosen. The only dashed box that is not a model's mark. */
export function DropZone({ onFiles, disabled }: { onFiles: (files: NamedFile[]) => void; disabled: boolean }) {
  const { t } = useTranslation("imports");
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const asFolder = (input: HTMLInputElement | null) => {
    folder.current = input;
    // React has no such attribute; every browser does.
    input?.setAttribute("webkitdirectory", "");
  };
  const taken = (input: HTMLInputElement) => {
    if (input.files?.length) onFiles(filesOfInput(input.files));
    input.value = "";
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping has two button twins below
    <div
      className="card"
      style={{
        border: `1.5px dashed ${over ? "var(--accent)" : "var(--n7)"}`,
        background: over ? "var(--accent-lo)" : "none",
        alignItems: "center",
        justifyContent: "center",
        textAlign: "center",
        minHeight: 196,
        gap: 10,
        padding: 16,
        flex: "none",
      }}
      onDragOver={(event) => {
        event.preventDefault();
        if (!disabled) setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (!disabled) void filesOfDrop(event.dataTransfer).then((found) => found.length && onFiles(found));
      }}
    >
      <IconUpload size={18} stroke={1.6} color="var(--n9)" />
      <div className="b" style={{ fontSize: 15 }}>
        {t("drop.title")}
      </div>
      <div className="sm q">{disabled ? t("drop.busy") : t("drop.note")}</div>
      <div className="row" style={{ marginTop: 4 }}>
        <Button dense disabled={disabled} onClick={() => files.current?.click()}>
          {t("drop.files")}
        </Button>
        <Button dense disabled={disabled} onClick={() => folder.current?.click()}>
          {t("drop.folder")}
        </Button>
      </div>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        data-testid="files"
        onChange={(event) => taken(event.currentTarget)}
      />
      <input ref={asFolder} type="file" multiple hidden onChange={(event) => taken(event.currentTarget)} />
    </div>
  );
}
