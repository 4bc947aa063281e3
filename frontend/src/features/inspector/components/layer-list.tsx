import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Seen } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Card } from "@/ui/card";
import { stepName } from "../state/layer-names";

interface LayerListProps {
  seen: Seen;
  names: string[];
  version: number;
  /** −1: the input. */
  chosen: number;
  onChoose: (index: number) => void;
}

const square = ([rows, columns]: [number, number]) =>
  rows === columns ? `${count(rows)}²` : `${count(rows)} × ${count(columns)}`;

/** The blocks in the order in which they ran: how many maps of what size, how much a value sees, what lies between. */
export function LayerList({ seen, names, version, chosen, onChoose }: LayerListProps) {
  const { t } = useTranslation("inspector");
  return (
    <Card
      title={t("layers.title")}
      actions={<span className="q xs">{t("layers.head")}</span>}
      bare
      className="ins-layers"
    >
      <ol aria-label={t("layers.title")}>
        <li>
          <Row
            name={t("layer.input")}
            maps={`${seen.input.channels} × ${square([seen.input.size, seen.input.size])}`}
            sees={t("px", { n: 1 })}
            on={chosen === -1}
            onClick={() => onChoose(-1)}
          />
        </li>
        {seen.layers.map((layer, index) => (
          <li key={layer.name}>
            {layer.steps.map((step) => (
              <span key={step.function} className="row xs q ins-step">
                {(step.factor.at(-1) ?? 1) > 1 ? (
                  <IconArrowDown size={12} stroke={1.6} aria-hidden="true" />
                ) : (
                  <IconArrowUp size={12} stroke={1.6} aria-hidden="true" />
                )}
                {stepName(step, t)}
              </span>
            ))}
            <Row
              name={names[index] ?? layer.name}
              maps={`${count(layer.channels)} × ${square(layer.size)}`}
              sees={layer.sees ? t("px", { n: count(Math.max(...layer.sees)) }) : t("layers.unknown")}
              on={chosen === index}
              onClick={() => onChoose(index)}
            />
          </li>
        ))}
      </ol>
      <p className="xs q ins-foot">
        {t("layers.foot", { n: version, weights: count(seen.parameters), size: count(seen.input.size) })}
      </p>
    </Card>
  );
}

interface RowProps {
  name: string;
  maps: string;
  sees: string;
  on: boolean;
  onClick: () => void;
}

function Row({ name, maps, sees, on, onClick }: RowProps) {
  return (
    <button
      type="button"
      className={`ins-layer${on ? " on" : ""}`}
      aria-current={on || undefined}
      onClick={onClick}
    >
      <span className="b sm ell">{name}</span>
      <span className="num q sm">{maps}</span>
      <span className="num q xs r">{sees}</span>
    </button>
  );
}
