import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CaseTile } from "@/features/second-look/components/case-tile";
import type { DoubtedCase, Project, SecondLook } from "@/lib/api-types";
import { count, dayTime } from "@/lib/format";
import { Button, LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ScoreBar } from "@/ui/score-bar";

const SHOWN = 12;

/** The labels that models which have not seen their patients believe least, the most doubted first. */
export function DoubtsCard({ project, doubts }: { project: Project; doubts: SecondLook["doubts"] }) {
  const { t } = useTranslation("second-look");
  const [whole, setWhole] = useState(false);
  if (!doubts) {
    return (
      <Card title={t("doubts.title")}>
        <p className="sec" style={{ marginBottom: 12 }}>
          {t("doubts.none")}
        </p>
        {project.role === "lead" ? (
          <LinkButton dense to={`/p/${project.slug}/learning`}>
            {t("doubts.toLearning")}
          </LinkButton>
        ) : null}
      </Card>
    );
  }
  const shown = whole ? doubts.cases : doubts.cases.slice(0, SHOWN);
  return (
    <Card
      title={t("doubts.title")}
      note={t("doubts.judged", {
        count: new Set(doubts.cases.map((one) => one.case)).size,
        n: count(doubts.n_labels),
        when: dayTime(doubts.answered_at),
      })}
    >
      {shown.length ? (
        <ol style={{ display: "grid", gridTemplateColumns: "repeat(4, 1fr)", gap: "16px 12px" }}>
          {shown.map((one) => (
            <li key={`${one.case} ${one.about}`} style={{ minWidth: 0 }}>
              <DoubtTile project={project} one={one} />
            </li>
          ))}
        </ol>
      ) : (
        <p className="sec">{t("doubts.noneLeft")}</p>
      )}
      {doubts.changed ? <Aside words={t("doubts.changed", told(doubts.changed))} /> : null}
      {doubts.blinded ? <Aside words={t("doubts.blinded", told(doubts.blinded))} /> : null}
      {shown.length < doubts.cases.length ? (
        <Button dense style={{ marginTop: 12 }} onClick={() => setWhole(true)}>
          {t("doubts.more", { shown: count(doubts.cases.length) })}
        </Button>
      ) : null}
    </Card>
  );
}

const told = (n: number) => ({ count: n, shown: count(n) });

function Aside({ words }: { words: string }) {
  return (
    <p className="sm q" style={{ marginTop: 10 }}>
      {words}
    </p>
  );
}

function DoubtTile({ project, one }: { project: Project; one: DoubtedCase }) {
  const { t } = useTranslation("second-look");
  return (
    <CaseTile slug={project.slug} one={one}>
      <span className="row sb xs" style={{ gap: 6, marginTop: 5 }}>
        <span className="ell b">{one.name}</span>
        <span title={t("doubts.doubt")}>
          <ScoreBar score={one.doubt} />
        </span>
      </span>
      <span className="xs" style={{ display: "block", marginTop: 3, color: "var(--n10)" }}>
        {why()}
      </span>
      <span className="xs q ell" style={{ display: "block", marginTop: 2 }}>
        {t("by", { reader: one.reader })}
      </span>
    </CaseTile>
  );

  function why(): string {
    const { labelled, instead } = one;
    if (one.about === "image") {
      if (instead !== null) return t("doubts.imageUnseen", { instead: nameOf(instead) });
      return labelled === null ? t("doubts.imageLesion") : t("doubts.imageUnsure", { labelled: nameOf(labelled) });
    }
    if (labelled === instead) return t("doubts.vague");
    if (labelled === null) return t("doubts.unseen", { instead: nameOf(instead) });
    if (instead === null) return t("doubts.unsure", { labelled: nameOf(labelled) });
    return t("doubts.other", { labelled: nameOf(labelled), instead: nameOf(instead) });
  }

  function nameOf(id: number | null): string {
    return project.finding_types.find((type) => type.id === id)?.name ?? t("gone");
  }
}
