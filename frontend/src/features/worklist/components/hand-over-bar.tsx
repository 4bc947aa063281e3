import { IconMessageReport } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useHandOver, useReaders } from "@/features/worklist/api/readers";
import { useNameReports } from "@/lib/name-reports";
import { Button, LinkButton } from "@/ui/button";
import { Chip } from "@/ui/chip";
import { ErrorLine } from "@/ui/error-state";

interface HandOverBarProps {
  slug: string;
  chosen: ReadonlySet<string>;
  onDone: () => void;
}

/** In the foot's place while a lead has chosen cases: give them to a reader, or take them back. */
export function HandOverBar({ slug, chosen, onDone }: HandOverBarProps) {
  const { t } = useTranslation("worklist");
  const readers = useReaders(slug).data ?? [];
  const handOver = useHandOver(slug);
  const [to, setTo] = useState("");
  const [only] = chosen.size === 1 ? chosen : [];
  const reports = useNameReports(slug).data ?? [];
  const isReported = reports.some((report) => report.case === only);
  const run = (person: string | null) =>
    handOver.mutate({ cases: [...chosen], to: person }, { onSuccess: onDone });
  return (
    <footer className="row sm wl-bulk" role="toolbar" aria-label={t("bulk.title")}>
      <b className="b num">{t("bulk.chosen", { count: chosen.size })}</b>
      <label className="sec" htmlFor="wl-give">
        {t("bulk.give")}
      </label>
      <select id="wl-give" className="in d" value={to} onChange={(event) => setTo(event.currentTarget.value)}>
        <option value="">{t("bulk.nobody")}</option>
        {readers.map((reader) => (
          <option key={reader.username} value={reader.username}>
            {t("bulk.has", { name: reader.name, count: reader.held.length })}
          </option>
        ))}
      </select>
      <Button dense variant="primary" disabled={!to} busy={handOver.isPending} onClick={() => run(to)}>
        {t("bulk.giveNow")}
      </Button>
      <Button dense disabled={handOver.isPending} onClick={() => run(null)}>
        {t("bulk.release")}
      </Button>
      {isReported ? (
        <Chip tone="warn" icon={<IconMessageReport />}>
          {t("nameReport.chip")}
        </Chip>
      ) : null}
      {only ? (
        <LinkButton dense to={`/p/${slug}/cases/${only}/blank`}>
          {t("bulk.blank")}
        </LinkButton>
      ) : null}
      <ErrorLine error={handOver.error} />
      <span className="grow" />
      <Button dense variant="ghost" kbd="Esc" onClick={onDone}>
        {t("bulk.clear")}
      </Button>
    </footer>
  );
}
