import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { SeenFilters } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import type { Arrays } from "../state/arrays";
import { weightGrey } from "../state/shades";

const SHOWN = 64;

/** Learned filters as small squares of grey: middle grey is 0, bright adds, dark subtracts; the one pointed at in figures. */
export function FilterStrip({
  filters,
  arrays,
  titled,
}: {
  filters: SeenFilters;
  arrays: Arrays;
  titled?: boolean;
}) {
  const { t } = useTranslation("inspector");
  const [pointed, point] = useState(0);
  const weights = arrays.floats(filters.array);
  const [n = 0, rows = 1, columns = 1] = filters.array.shape;
  const area = rows * columns;
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const own = (index: number) => [...weights.subarray(index * area, (index + 1) * area)];
  return (
    <section aria-label={t("filters.of", { module: filters.module })}>
      {titled ? (
        <h3 style={{ marginBottom: 8 }}>
          <span className="mono">{filters.module}</span>{" "}
          <span className="q sm" style={{ fontWeight: 400 }}>
            {filters.inputs === 1
              ? t("filters.exact", { rows, columns })
              : t("filters.summary", { rows, columns, inputs: count(filters.inputs) })}
          </span>
        </h3>
      ) : null}
      <div className="ins-filters">
        {Array.from({ length: Math.min(SHOWN, n) }, (_, index) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: a filter is its number
            key={index}
            type="button"
            className={`ins-filter${pointed === index ? " on" : ""}`}
            style={{ gridTemplateColumns: `repeat(${columns}, 1fr)`, aspectRatio: `${columns} / ${rows}` }}
            aria-label={t("filters.one", { n: index, norm: decimal(filters.norms[index] ?? 0) })}
            aria-pressed={pointed === index}
            onClick={() => point(index)}
            onPointerEnter={() => point(index)}
            onFocus={() => point(index)}
          >
            {own(index).map((weight, place) => {
              const grey = weightGrey(weight, largest);
              // biome-ignore lint/suspicious/noArrayIndexKey: a weight is its place
              return <i key={place} style={{ background: `rgb(${grey} ${grey} ${grey})` }} />;
            })}
          </button>
        ))}
      </div>
      <div className="row t sb" style={{ marginTop: 10, gap: 24 }}>
        <div className="row t" style={{ gap: 12 }}>
          <table className="ins-weights num">
            <caption className="visually-hidden">{t("filters.weights", { n: pointed })}</caption>
            <tbody>
              {Array.from({ length: rows }, (_, row) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a filter never move
                <tr key={row}>
                  {own(pointed)
                    .slice(row * columns, (row + 1) * columns)
                    .map((weight, column) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: columns of a filter never move
                      <td key={column}>{decimal(weight)}</td>
                    ))}
                </tr>
              ))}
            </tbody>
          </table>
          <span className="xs q">
            {t("filters.pointed", { n: pointed })}
            <br />
            {t("filters.norm", { norm: decimal(filters.norms[pointed] ?? 0) })}
          </span>
        </div>
        <Legend largest={largest} />
      </div>
    </section>
  );
}

/** From the largest weight below zero to the largest above it. */
function Legend({ largest }: { largest: number }) {
  const { t } = useTranslation("inspector");
  return (
    <div className="xs q" style={{ width: 220 }}>
      <div className="ins-ramp" style={{ background: "linear-gradient(90deg, #000, #808080, #fff)" }} />
      <div className="row sb num">
        <span>{decimal(-largest)}</span>
        <span>0</span>
        <span>{decimal(largest)}</span>
      </div>
      <div className="row sb">
        <span>{t("filters.subtracts")}</span>
        <span>{t("filters.adds")}</span>
      </div>
    </div>
  );
}
