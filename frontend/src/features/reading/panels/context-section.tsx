/** What is known of the patient and the examination, as far as this reader may know it. */
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { PriorReading } from "@/lib/api-types";
import { Kbd } from "@/ui/kbd";
import { usePriorReadings } from "../api/prior-readings";
import { useSession, useUi } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";
import { useWords, type Words } from "../state/use-words";
import { dateOf } from "./study-date";

export function ContextSection() {
  const t = useWords();
  const { room, project } = useSession();
  const { context } = room.case;
  const sex = context.sex ? t(`sex.${context.sex}`, { defaultValue: context.sex }) : "";
  const person = [ageOf(context.age, t), sex].filter(Boolean).join(t("comma"));
  const lines: [string, string][] = [
    [t("context.person"), person],
    [t("context.bodyPart"), context.body_part ?? ""],
    [t("context.protocol"), context.protocol ?? ""],
    [t("context.scanner"), context.scanner ?? ""],
  ];
  const known = lines.filter(([, value]) => value);
  const { indication, report } = context;
  return (
    <>
      <section className="sect" data-testid="context">
        <div className="sh">{t("context.title")}</div>
        <dl className="kv">
          {project.question ? (
            <>
              <dt>{t("context.question")}</dt>
              <dd>{project.question}</dd>
            </>
          ) : null}
          {known.map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {known.length === 0 ? <p className="sm q">{t("context.nothing")}</p> : null}
        {indication ? (
          <>
            <h3 className="rr-said">{t("context.indication")}</h3>
            <p className="sm rr-words">{indication}</p>
          </>
        ) : null}
        {report ? <Report text={report} /> : null}
      </section>
      <PriorReadings />
    </>
  );
}

/** A few lines of it, or all; the page stays where it is. */
function Report({ text }: { text: string }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const keyOf = useKeyOf();
  const open = useUi((state) => state.reportOpen);
  return (
    <>
      <h3 className="rr-said">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => session.ui.setState(({ reportOpen }) => ({ reportOpen: !reportOpen }))}
        >
          {t("context.report")}
          <span className="q">{t(open ? "context.less" : "context.all")}</span>
          <Kbd>{keyOf("report")}</Kbd>
        </button>
      </h3>
      <p className={`sm rr-words${open ? "" : " cut"}`} data-testid="report">
        {text}
      </p>
    </>
  );
}

function PriorReadings() {
  const { t } = useTranslation("reading");
  const { room, project } = useSession();
  const priors = usePriorReadings(project.slug, room);
  if (!priors.data?.length && !priors.isError) return null;
  return (
    <section className="sect" data-testid="prior-readings">
      <div className="sh">{t("priorReadings.title")}</div>
      {priors.isError ? (
        <p className="sm sec">
          {t("priorReadings.failed")}{" "}
          <button type="button" className="rr-link" onClick={() => void priors.refetch()}>
            {t("tryAgain")}
          </button>
        </p>
      ) : null}
      {priors.data?.map((prior) => (
        <Prior key={`${prior.case.id}-${prior.reader.name}-${prior.submitted_at}`} prior={prior} />
      ))}
    </section>
  );
}

function Prior({ prior }: { prior: PriorReading }) {
  const t = useWords();
  const session = useSession();
  const found = [
    ...prior.lesions.map(({ finding_type, count }) => `${count} × ${session.typeOf(finding_type)?.name ?? "?"}`),
    ...prior.image_findings.map((id) => session.typeOf(id)?.name ?? "?"),
  ];
  return (
    <div className="rr-prior">
      <div className="row sb sm">
        <Link to={`/p/${session.project.slug}/read/${prior.case.id}`} className="rr-link num">
          {prior.study_date ? dateOf(prior.study_date) : t("priorReadings.undated")}
        </Link>
        <span className="q ell">{prior.is_own ? t("priorReadings.you") : prior.reader.name}</span>
      </div>
      <div className="sm">{found.length ? found.join(t("comma")) : t(`verdict.${prior.verdict}`)}</div>
      {prior.comment ? <p className="sm sec rr-words cut">{prior.comment}</p> : null}
    </div>
  );
}

/** DICOM's 054Y as "54 y"; the 000Y that stands for a removed age is none. */
function ageOf(age: string | null | undefined, t: Words): string {
  const found = /^(\d{1,3})([DWMY])$/.exec(age ?? "");
  if (!found) return age ?? "";
  const n = Number(found[1]);
  return n === 0 && found[2] === "Y" ? "" : t(`age.${found[2]}`, { n });
}
