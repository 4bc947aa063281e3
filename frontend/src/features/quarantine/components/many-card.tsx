import { Modal } from "@mantine/core";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { previewOf, useRelease } from "@/features/quarantine/api/quarantine";
import { MaskBoard } from "@/features/quarantine/components/mask-board";
import { PreviewTile } from "@/features/quarantine/components/preview-tile";
import { ReasonField } from "@/features/quarantine/components/reason-field";
import { RectangleFields } from "@/features/quarantine/components/rectangle-fields";
import { areOfOneKind } from "@/features/quarantine/state/selection";
import type { QuarantinedFile, Rectangle } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine } from "@/ui/error-state";

interface ManyCardProps {
  slug: string;
  files: QuarantinedFile[];
  onDrop: (id: string) => void;
  onDiscard: () => void;
  onDone: () => void;
}

/** A lead's look at several held images: each is seen before all are let in, with the same rectangles or with none. */
export function ManyCard({ slug, files, onDrop, onDiscard, onDone }: ManyCardProps) {
  const { t } = useTranslation("quarantine");
  const release = useRelease(slug);
  const [drawn, setDrawn] = useState<Rectangle[]>();
  const [reason, setReason] = useState("");
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const [large, enlarge] = useState<QuarantinedFile>();
  const [first] = files;
  const isOneKind = areOfOneKind(files);
  const rectangles = isOneKind ? (drawn ?? first?.proposed ?? []) : [];
  const nSeen = files.filter((one) => seen.has(one.id)).length;
  const see = useCallback((id: string) => setSeen((now) => (now.has(id) ? now : new Set(now).add(id))), []);
  const number = { count: files.length, shown: count(files.length) };

  return (
    <Card
      title={t("many", number)}
      note={t("manySeen", { seen: count(nSeen), all: count(files.length) })}
      bare
      className="grow"
      style={{ minWidth: 0, display: "flex", flexDirection: "column", minHeight: 0 }}
    >
      <div className="many">
        <ul className="grow sheet" aria-label={t("many", number)}>
          {files.map((file) => (
            <PreviewTile
              key={file.id}
              file={file}
              source={previewOf(slug, file.id)}
              rectangles={rectangles}
              isSeen={seen.has(file.id)}
              onSeen={see}
              onEnlarge={enlarge}
              onDrop={onDrop}
            />
          ))}
        </ul>
        <div className="stack" style={{ width: 300, flex: "none", gap: 14, overflow: "auto" }}>
          <h3>{t("rectangles")}</h3>
          {isOneKind && first ? (
            <RectangleFields size={first} rectangles={rectangles} onChange={setDrawn} none={t("noRectangles")} />
          ) : (
            <p className="q sm">{t("severalKinds")}</p>
          )}
          <ReasonField value={reason} onChange={setReason} required />
          <ErrorLine error={release.error} />
          <Button
            variant="primary"
            busy={release.isPending}
            disabled={nSeen < files.length || !reason.trim()}
            onClick={() =>
              release.mutate(
                { files: files.map((one) => one.id), rectangles, whole_device: false, reason: reason.trim() },
                { onSuccess: onDone },
              )
            }
          >
            {t(rectangles.length ? "releaseMany" : "releaseManyClean", number)}
          </Button>
          {nSeen < files.length ? <p className="q sm">{t("seeAll")}</p> : null}
          <Button variant="ghost" onClick={onDiscard}>
            {t("discardMany", number)}
          </Button>
        </div>
      </div>
      <Modal
        opened={large !== undefined}
        onClose={() => enlarge(undefined)}
        size="90%"
        title={large?.name || t("unnamed")}
        closeButtonProps={{ "aria-label": t("common:close") }}
      >
        {large ? (
          <>
            <p className="q sm" style={{ marginBottom: 10 }}>
              {t(isOneKind ? "lookNote" : "severalKinds")}
            </p>
            <MaskBoard
              file={large}
              source={previewOf(slug, large.id)}
              rectangles={rectangles}
              onDraw={isOneKind ? (one) => setDrawn([...rectangles, one]) : undefined}
            />
          </>
        ) : null}
      </Modal>
    </Card>
  );
}
