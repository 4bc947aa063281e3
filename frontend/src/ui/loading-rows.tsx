/** Rows keep their height while they load: quiet bars, no shimmer. */
export function LoadingRows({ rows = 8, height = 50 }: { rows?: number; height?: number }) {
  return (
    <div aria-hidden="true" style={{ overflow: "hidden" }}>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike and never move
        <div key={index} style={{ height, borderBottom: "1px solid #1f1f1f", padding: "0 16px" }} className="row">
          <span
            style={{ height: 8, width: `${30 + ((index * 37) % 40)}%`, background: "var(--n3)", borderRadius: 3 }}
          />
        </div>
      ))}
    </div>
  );
}
