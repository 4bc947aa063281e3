import { Slider } from "@mantine/core";
import { percent } from "@/lib/format";

interface ShareFieldProps {
  label: string;
  note?: string;
  value: number;
  max?: number;
  step?: number;
  /** How the value is written; a percentage unless told. */
  write?: (value: number) => string;
  disabled?: boolean;
  onChange: (value: number) => void;
}

/** A share of one as a slider with its number at the right. */
export function ShareField({
  label,
  note,
  value,
  max = 1,
  step = 0.01,
  write = percent,
  disabled,
  onChange,
}: ShareFieldProps) {
  return (
    <div>
      <div className="row sb" style={{ marginBottom: 6 }}>
        <span className="sm sec" style={{ fontWeight: 500 }}>
          {label}
        </span>
        <span className="num b">{write(value)}</span>
      </div>
      <Slider
        thumbLabel={label}
        value={value}
        min={0}
        max={max}
        step={step}
        disabled={disabled}
        label={null}
        size={2}
        thumbSize={14}
        onChange={(next) => onChange(Number(next.toFixed(4)))}
      />
      {note ? (
        <p className="sm q" style={{ marginTop: 6 }}>
          {note}
        </p>
      ) : null}
    </div>
  );
}
