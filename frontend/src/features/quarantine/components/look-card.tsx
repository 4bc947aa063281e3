import { Checkbox, NumberInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { previewOf, useDiscard, useRelease } from "@/features/quarantine/api/quarantine";
import { MaskBoard } from "@/features/quarantine/components/mask-board";
import { changed, strip } from "@/features/quarantine/state/rectangles";
import type { QuarantinedFile, Rectangle } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Button, IconButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine } from "@/ui/error-state";

const NUMBERS = ["column", "row", "width", "height"] as const;

/** A lead's look at one held image: what to blank, for it alone or for its device, in or out. */
export function LookCard({ slug, file }: { slug: string; file: QuarantinedFile }) {
  const { t } = useTranslation("quarantine");
  const [rectangles, setRectangles] = useState<Rectangle[]>(file.proposed);
  const [wholeDevice, setWholeDevice] = useState(false);
  const [discarding, setDiscarding] = useState(false);
  const release = useRelease(slug);
  const discard = useDiscard(slug);
  const device = `${file.manufacturer} ${file.model}`.trim();
  const size = t("size", { columns: count(file.columns), rows: count(file.rows) });

  return (
    <Card
      title={t("look")}
      note={file.frames > 1 ? t("frames", { n: count(file.frames) }) : t("lookNote")}
      className="grow"
      style={{ minWidth: 0, overflow: "auto" }}
    >
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
          {rectangles.length === 0 ? <p className="q sm">{t("noRectangles")}</p> : null}
          {rectangles.length ? (
            <div className="row xs q" aria-hidden="true" style={{ gap: 4, marginBottom: -10 }}>
              {NUMBERS.map((name) => (
                <span key={name} className="grow">
                  {t(name)}
                </span>
              ))}
              <span style={{ width: 28 }} />
            </div>
          ) : null}
          {rectangles.map((one, place) => (
            // A rectangle has no other name than its place.
            // biome-ignore lint/suspicious/noArrayIndexKey: as said
            <fieldset key={place} className="row" style={{ gap: 4, border: 0, padding: 0, margin: 0 }}>
              <legend className="visually-hidden">{t("rectangle", { n: place + 1 })}</legend>
              {NUMBERS.map((name, index) => (
                <NumberInput
                  key={name}
                  aria-label={t(name)}
                  title={t(name)}
                  size="xs"
                  hideControls
                  value={one[index]}
                  onChange={(value) =>
                    setRectangles(
                      rectangles.map((other, at) =>
                        at === place ? changed(other, index, Number(value) || 0, file) : other,
                      ),
                    )
                  }
                />
              ))}
              <IconButton
                style={{ width: 28, height: 28, flex: "none" }}
                label={t("remove", { n: place + 1 })}
                onClick={() => setRectangles(rectangles.filter((_, at) => at !== place))}
              >
                <IconX size={14} />
              </IconButton>
            </fieldset>
          ))}
          <Button dense icon={<IconPlus size={14} />} onClick={() => setRectangles([...rectangles, strip(file)])}>
            {t("add")}
          </Button>
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
          <Button variant="ghost" onClick={() => setDiscarding(true)}>
            {t("discard")}
          </Button>
        </div>
      </div>
      <ConfirmDialog
        opened={discarding}
        danger
        title={t("discardTitle")}
        action={t("discard")}
        busy={discard.isPending}
        error={discard.error}
        onConfirm={() => discard.mutate([file.id], { onSuccess: () => setDiscarding(false) })}
        onClose={() => setDiscarding(false)}
      >
        {t("discardNote")}
      </ConfirmDialog>
    </Card>
  );
}
