/** Two rings: a person's, solid, and the model's, dashed. */
export function Logo() {
  return (
    <svg width="26" height="18" viewBox="0 0 26 18" aria-hidden="true">
      <circle cx="9" cy="9" r="7.6" fill="none" stroke="#ededed" strokeWidth="1.8" />
      <circle cx="17" cy="9" r="7.6" fill="none" stroke="#62b0f5" strokeWidth="1.8" strokeDasharray="3.4 2.57" />
    </svg>
  );
}

/** The same, large, for pages that hold nothing yet. */
export function LogoRings() {
  return (
    <svg width="180" height="112" viewBox="0 0 180 112" aria-hidden="true">
      <circle cx="68" cy="56" r="47" fill="none" stroke="#4a4a4a" strokeWidth="2" />
      <circle cx="112" cy="56" r="47" fill="none" stroke="#62b0f5" strokeWidth="2" strokeDasharray="9 6.4" />
    </svg>
  );
}
