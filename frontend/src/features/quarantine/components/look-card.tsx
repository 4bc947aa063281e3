import { Checkbox } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { previewOf, useRelease } from "@/features/quarantine/api/quarantine";
import { DoorLine, FactsLine } from "@/features/quarantine/components/facts-line";
import { MaskBoard } from "@/features/quarantine/components/mask-board";
import { RectangleFields } from "@/features/quarantine/components/rectangle-fields";
import type { QuarantinedFile, Rectangle } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine } from "@/ui/error-state";

interface LookCardProps {
  slug: string;
  file: QuarantinedFile;
  onDiscard: () => void;
}

/** A lead's look at one held image: what to blank, for it alone or for its device, in or out. */
export function LookCard({ slug, file, onDiscard }: LookCardProps) {
  const { t } = useTranslation("quarantine");
  const [rectangles, setRectangles] = useState<Rectangle[]>(file.proposed);
  const [wholeDevice, setWholeDevice] = useState(false);
  const release = useRelease(slug);
  const device = `${file.manufacturer} ${file.model}`.trim();
  const size = t("size", { columns: count(file.columns), rows: count(file.rows) });

  return (
    <Card
      title={t("look")}
      note={file.frames > 1 ? t("frames", { n: count(file.frames) }) : t("lookNote")}
      className="grow"
      style={{ minWidth: 0, overflow: "auto" }}
    >
      <div style={{ margin: "-6px 0 12px" }}>
        <FactsLine file={file} />
        <DoorLine file={file} />
      </div>
      <div className="row t" style={{ gap: 20, minHeight: 0 }}>
        <div className="grow">
          <MaskBoard
            file={file}
            source={previewOf(slug, file.id)}
            rectangles={rectangles}
            onDraw={(one) => setRectangles([...rectangles, one])}
          />
        </div>
        <div className="stack" style={{ width: 300, flex: "none", gap: 14 }}>
          <h3>{t("rectangles")}</h3>
          <RectangleFields size={file} rectangles={rectangles} onChange={setRectangles} none={t("noRectangles")} />
          {device ? (
            <Checkbox
              label={t("wholeDevice")}
              description={t("wholeDeviceNote", { device, size })}
              checked={wholeDevice}
              onChange={(event) => setWholeDevice(event.currentTarget.checked)}
            />
          ) : (
            <p className="q sm">{t("noDevice")}</p>
          )}
          {release.isError ? <ErrorLine error={release.error} /> : null}
          <Button
            variant="primary"
            busy={release.isPending}
            onClick={() => release.mutate({ files: [file.id], rectangles, whole_device: wholeDevice })}
          >
            {t(rectangles.length ? "release" : "releaseClean")}
          </Button>
          <Button variant="ghost" onClick={onDiscard}>
            {t("discard")}
          </Button>
        </div>
      </div>
    </Card>
  );
}
