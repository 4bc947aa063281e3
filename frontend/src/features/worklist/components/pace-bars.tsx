import { useTranslation } from "react-i18next";
import type { Pace } from "@/lib/api-types";
import { count, day } from "@/lib/format";

const WIDTH = 258;
const HEIGHT = 90;
const GROUND = 70;

/** Cases a day as bars; today in the accent. */
export function PaceBars({ days }: { days: Pace["days"] }) {
  const { t } = useTranslation("worklist");
  const most = Math.max(1, ...days.map((one) => one.count));
  const top = niceTop(most);
  const step = WIDTH / Math.max(1, days.length);
  const height = (value: number) => (value / top) * 60;
  const label = t("pace.chart", { days: days.map((one) => `${one.date}: ${one.count}`).join(", ") });
  return (
    <svg
      className="chart"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      <line className="gr" x1="0" x2={WIDTH} y1="10" y2="10" />
      <line className="gr" x1="0" x2={WIDTH} y1="40" y2="40" />
      <text x={WIDTH} y="8" textAnchor="end">
        {count(top)}
      </text>
      {days.map((one, index) =>
        one.count > 0 ? (
          <rect
            key={one.date}
            x={index * step + (step - 13) / 2}
            y={GROUND - height(one.count)}
            width="13"
            height={height(one.count)}
            rx="1.5"
            fill={index === days.length - 1 ? "var(--accent)" : "#4a4a4a"}
          >
            <title>{`${day(one.date)}: ${count(one.count)}`}</title>
          </rect>
        ) : null,
      )}
      <line className="ax" x1="0" x2={WIDTH} y1="70.5" y2="70.5" />
      {days[0] ? (
        <text x="0" y="86">
          {day(days[0].date)}
        </text>
      ) : null}
      <text x={WIDTH} y="86" textAnchor="end">
        {t("pace.todayAxis")}
      </text>
    </svg>
  );
}

/** The next of 5, 10, 20, 50, 100 … above the highest bar. */
function niceTop(most: number): number {
  for (let scale = 1; ; scale *= 10) {
    for (const step of [5, 10, 20]) if (step * scale >= most) return step * scale;
  }
}
