import { Popover } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { PALETTE } from "@/lib/colours";

/** The eight checked colours, and a way to any other. */
export function ColourPicker({
  colour,
  label,
  onChange,
}: {
  colour: string;
  label: string;
  onChange: (colour: string) => void;
}) {
  const { t } = useTranslation("vocabulary");
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus>
      <Popover.Target>
        <button
          type="button"
          className="tool"
          style={{ width: 28, height: 28 }}
          aria-label={label}
          title={label}
          onClick={() => setOpened((now) => !now)}
        >
          <span className="sw" style={{ "--c": colour, width: 18, height: 18 } as React.CSSProperties} />
        </button>
      </Popover.Target>
      <Popover.Dropdown p={12}>
        <div style={{ display: "grid", gridTemplateColumns: "repeat(8, 28px)", gap: 4 }}>
          {PALETTE.map((one, index) => (
            <button
              key={one}
              type="button"
              className="tool"
              style={{ width: 28, height: 28, background: one, color: "#000" }}
              aria-label={t("paletteColour", { number: index + 1 })}
              aria-pressed={one === colour}
              onClick={() => {
                onChange(one);
                setOpened(false);
              }}
            >
              {one === colour ? <IconCheck size={16} stroke={2.4} /> : null}
            </button>
          ))}
        </div>
        <label className="row sm sec" style={{ marginTop: 10 }}>
          <input
            type="color"
            value={colour}
            style={{ width: 28, height: 24, padding: 0, border: 0, background: "none" }}
            onChange={(event) => onChange(event.currentTarget.value.toLowerCase())}
          />
          {t("otherColour")} <span className="mono">{colour}</span>
        </label>
      </Popover.Dropdown>
    </Popover>
  );
}
