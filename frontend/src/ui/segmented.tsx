import type { ReactNode } from "react";

export interface Segment<T extends string> {
  value: T;
  label: ReactNode;
  disabled?: boolean;
  title?: string;
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: Segment<T>[];
  onChange: (value: T) => void;
  /** As wide as its parent. */
  fill?: boolean;
  disabled?: boolean;
}

/** Two to six exclusive values. Arrow keys move within it, as in every radio group. */
export function Segmented<T extends string>({
  label,
  value,
  options,
  onChange,
  fill,
  disabled,
}: SegmentedProps<T>) {
  const move = (from: number, step: number, group: HTMLElement) => {
    for (let next = from + step; next >= 0 && next < options.length; next += step) {
      const option = options[next];
      if (!option || option.disabled) continue;
      onChange(option.value);
      (group.children[next] as HTMLElement | undefined)?.focus();
      return;
    }
  };
  return (
    <div role="radiogroup" aria-label={label} className={`seg${fill ? " fill" : ""}`}>
      {options.map((option, index) => (
        // biome-ignore lint/a11y/useSemanticElements: a radio input cannot be drawn as a segment with its count
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          className={option.value === value ? "on" : ""}
          disabled={disabled || option.disabled}
          title={option.title}
          onClick={() => onChange(option.value)}
          onKeyDown={(event) => {
            const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
            if (!step || !event.currentTarget.parentElement) return;
            event.preventDefault();
            event.stopPropagation();
            move(index, step, event.currentTarget.parentElement);
          }}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
