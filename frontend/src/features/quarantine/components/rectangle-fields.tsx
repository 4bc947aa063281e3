import { NumberInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { changed, type Size, strip } from "@/features/quarantine/state/rectangles";
import type { Rectangle } from "@/lib/api-types";
import { Button, IconButton } from "@/ui/button";

const NUMBERS = ["column", "row", "width", "height"] as const;

interface RectangleFieldsProps {
  size: Size;
  rectangles: Rectangle[];
  onChange: (rectangles: Rectangle[]) => void;
  /** What it means that there is none. */
  none: string;
}

/** What is to be blanked, in numbers: for who does not draw. */
export function RectangleFields({ size, rectangles, onChange, none }: RectangleFieldsProps) {
  const { t } = useTranslation("quarantine");
  return (
    <>
      {rectangles.length === 0 ? <p className="q sm">{none}</p> : null}
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
                onChange(
                  rectangles.map((other, at) =>
                    at === place ? changed(other, index, Number(value) || 0, size) : other,
                  ),
                )
              }
            />
          ))}
          <IconButton
            style={{ width: 28, height: 28, flex: "none" }}
            label={t("remove", { n: place + 1 })}
            onClick={() => onChange(rectangles.filter((_, at) => at !== place))}
          >
            <IconX size={14} />
          </IconButton>
        </fieldset>
      ))}
      <Button dense icon={<IconPlus size={14} />} onClick={() => onChange([...rectangles, strip(size)])}>
        {t("add")}
      </Button>
    </>
  );
}
