/** The glyph of a reader: a solid ring for a person, a dashed one for a model. */
export function Ring({ model = false, size = 12 }: { model?: boolean; size?: number }) {
  const radius = 6 - 0.9;
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 12 12" style={{ flex: "none" }}>
      <circle
        cx="6"
        cy="6"
        r={radius}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.75"
        strokeDasharray={model ? "2.2 1.8" : undefined}
      />
    </svg>
  );
}
