/** Says what the tool in hand will do, above the image; nothing while there is nothing to say. */
import { useTranslation } from "react-i18next";
import { Kbd } from "@/ui/kbd";
import { useReading, useSession, useUi } from "../state/session-context";

export function EditBar() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const tool = useUi((state) => state.tool);
  const draft = useUi((state) => state.draft);
  const brushSize = useUi((state) => state.brushSize);
  const hidden = useUi((state) => state.marksHidden);
  const selected = useReading((state) => state.doc.lesions.find((lesion) => lesion.id === state.selected));
  const index = useReading((state) => state.doc.lesions.findIndex((lesion) => lesion.id === state.selected));
  useUi((state) => state.activeType);
  if (hidden) return <Bar text={t("edit.hidden")} keys={[["T", t("edit.show")]]} />;
  if (draft?.kind === "polygon") {
    return (
      <Bar
        text={t("edit.polygon", { count: draft.points.length })}
        keys={[
          ["↵", t("edit.close")],
          ["⌫", t("edit.lastPoint")],
          ["Esc", t("edit.cancel")],
        ]}
      />
    );
  }
  if (tool === "brush" || tool === "eraser") {
    const name = session.typeOf(selected?.finding_type ?? session.activeType?.id ?? -1)?.name ?? "";
    const mask = selected?.mask ? `${index + 1} ${name}` : null;
    const text =
      tool === "eraser"
        ? mask
          ? t("edit.eraseFrom", { name: mask })
          : t("edit.erase")
        : mask
          ? t("edit.paintOn", { name: mask })
          : t("edit.paintNew", { name });
    const keys: [string, string][] = [["[ ]", t("edit.size", { size: brushSize })]];
    if (mask) keys.push(["Esc", t("edit.newMask")]);
    return <Bar text={text} keys={keys} />;
  }
  return null;
}

function Bar({ text, keys }: { text: string; keys: [string, string][] }) {
  return (
    <div className="rr-editbar" role="status">
      <span>{text}</span>
      {keys.map(([key, does]) => (
        <span key={key} className="row" style={{ gap: 5 }}>
          <Kbd>{key}</Kbd>
          <span className="sec">{does}</span>
        </span>
      ))}
    </div>
  );
}
