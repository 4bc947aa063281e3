import { useTranslation } from "react-i18next";
import { CaseTile } from "@/features/second-look/components/case-tile";
import type { LabelledCase, NearDuplicatePair, Project } from "@/lib/api-types";
import { count } from "@/lib/format";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { Swatch } from "@/ui/swatch";

interface PairsCardProps {
  project: Project;
  pairs: NearDuplicatePair[];
  blinded: number;
}

/** Images that look the same and were read differently, side by side. */
export function PairsCard({ project, pairs, blinded }: PairsCardProps) {
  const { t } = useTranslation("second-look");
  return (
    <Card
      title={t("pairs.title")}
      note={pairs.length ? t("pairs.n", { count: pairs.length, shown: count(pairs.length) }) : undefined}
    >
      {pairs.length ? (
        <ul className="stack" style={{ gap: 18 }}>
          {pairs.map((pair) => (
            <li key={pair.cases.map((one) => one.case).join()}>
              <Pair project={project} pair={pair} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="sec">{t("pairs.none")}</p>
      )}
      {blinded ? (
        <p className="sm q" style={{ marginTop: 10 }}>
          {t("pairs.blinded", { count: blinded, shown: count(blinded) })}
        </p>
      ) : null}
    </Card>
  );
}

function Pair({ project, pair }: { project: Project; pair: NearDuplicatePair }) {
  const { t } = useTranslation("second-look");
  return (
    <>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 12 }}>
        {pair.cases.map((one) => (
          <CaseTile key={one.case} slug={project.slug} one={one}>
            <span className="row sb xs" style={{ gap: 6, marginTop: 5 }}>
              <span className="ell b">{one.name}</span>
              <span className="q ell">{t("by", { reader: one.reader })}</span>
            </span>
            <Said project={project} one={one} />
          </CaseTile>
        ))}
      </div>
      <p className="xs q num" style={{ marginTop: 6 }}>
        {pair.identical ? <Chip tone="warn">{t("pairs.identical")}</Chip> : alike()}
      </p>
    </>
  );

  function alike(): string {
    return pair.distance === null ? t("pairs.group") : t("pairs.distance", { n: count(pair.distance) });
  }
}

/** What was read of the image: its finding types with their colours, else the verdict. */
function Said({ project, one }: { project: Project; one: LabelledCase }) {
  const { t } = useTranslation("second-look");
  const types = one.finding_types.map((id) => project.finding_types.find((type) => type.id === id));
  if (!types.length) {
    return (
      <span className="sm" style={{ display: "block", marginTop: 3 }}>
        {t(`verdict.${one.verdict || "findings"}`, { defaultValue: t("verdict.findings") })}
      </span>
    );
  }
  return (
    <span className="row sm" style={{ gap: 10, marginTop: 3, flexWrap: "wrap" }}>
      {types.map((type, index) => (
        <span key={one.finding_types[index]} className="row" style={{ gap: 5 }}>
          {type?.colour ? <Swatch colour={type.colour} /> : null}
          {type?.name ?? t("gone")}
        </span>
      ))}
    </span>
  );
}
