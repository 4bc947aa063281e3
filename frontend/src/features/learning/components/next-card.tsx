import { IconDice5, IconTarget } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Learning, NextCase } from "@/lib/api-types";
import { count, decimal } from "@/lib/format";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { SmallImage } from "@/ui/small-image";

const SHOWN = 12;

/** The cases that the last round put first, and why. */
export function NextCard({ slug, learning }: { slug: string; learning: Learning }) {
  const { t } = useTranslation("learning");
  const cases = [...learning.next].sort((a, b) => a.rank - b.rank);
  const random = cases.filter((one) => one.arm === "random").length;
  const acquisition = cases.find((one) => one.arm === "acquired")?.acquisition;
  const parts = [
    acquisition ? t("next.chosen", { n: count(cases.length - random), by: t(`acquisition.${acquisition}`) }) : "",
    random ? t("next.drawn", { n: count(random) }) : "",
  ];
  const note = cases.length
    ? t("next.note", {
        count: cases.length,
        total: count(cases.length),
        parts: parts.filter(Boolean).join(t("join")),
      })
    : undefined;
  return (
    <Card
      title={t("next.title")}
      note={note}
      actions={cases[0] ? <Chip>{t("next.scores", { n: cases[0].version })}</Chip> : null}
    >
      {cases.length ? (
        <ul style={{ display: "grid", gridTemplateColumns: "repeat(6, 1fr)", gap: "14px 12px" }}>
          {cases.slice(0, SHOWN).map((one) => (
            <li key={one.case} style={{ minWidth: 0 }}>
              <NextTile slug={slug} one={one} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="sec" style={{ maxWidth: 460 }}>
          {t(learning.last?.state === "done" ? "next.allRead" : "next.none")}
        </p>
      )}
    </Card>
  );
}

function NextTile({ slug, one }: { slug: string; one: NextCase }) {
  const { t } = useTranslation("learning");
  const isRandom = one.arm === "random";
  return (
    <Link to={`/p/${slug}/read/${one.case}`} style={{ color: "inherit", display: "block" }}>
      <span className="thumb-t" style={{ display: "block", aspectRatio: "4 / 3", maxHeight: 106, width: "100%" }}>
        <SmallImage key={one.thumbnail} src={one.thumbnail} />
        <span className="tb num" style={{ left: 4, top: 4 }}>
          {one.rank}
        </span>
      </span>
      <span className="row xs b" style={{ gap: 5, marginTop: 5, color: isRandom ? "var(--n9)" : "var(--n10)" }}>
        {isRandom ? (
          <IconDice5 size={14} stroke={1.6} style={{ flex: "none" }} />
        ) : (
          <IconTarget size={14} stroke={1.6} style={{ flex: "none" }} />
        )}
        <span className="ell">{t(`next.${one.reason}`)}</span>
      </span>
      <span className="row sb xs q num" style={{ gap: 4 }}>
        <span className="ell">{one.name}</span>
        <span className="nw">{told()}</span>
      </span>
    </Link>
  );

  function told(): string {
    if (isRandom) return one.inclusion_probability === null ? "" : `p=${decimal(one.inclusion_probability, 3)}`;
    return one.score === null ? "" : decimal(one.score);
  }
}
