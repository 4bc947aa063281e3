import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { JournalEntry } from "../state/journal";

/** Other cases whose marks this device still holds: how many, and the way to the first. */
export function LeftoverStrip({ entries }: { entries: JournalEntry[] }) {
  const { t } = useTranslation("reading");
  const [entry] = entries;
  if (!entry) return null;
  return (
    <div className="alert warn rr-strip" role="status">
      <span className="ell">{t("leftover", { count: entries.length, name: entry.caseName })}</span>
      <span className="grow" />
      <Link className="btn d" to={`/p/${entry.slug}/read/${entry.caseId}`}>
        {t("leftoverOpen", { name: entry.caseName })}
      </Link>
    </div>
  );
}
