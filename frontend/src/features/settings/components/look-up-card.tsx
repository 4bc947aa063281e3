import { TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLookUp } from "@/features/settings/api/identities";
import { dateOf, isPseudonym, studiesOf } from "@/features/settings/identity-studies";
import { count, DASH } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine } from "@/ui/error-state";

/** The least characters of a reason that the server takes. */
export const MIN_REASON = 10;

/** Who a pseudonym is, asked with a reason; what was found goes with the page. */
export function LookUpCard({ slug }: { slug: string }) {
  const { t } = useTranslation("settings");
  const look = useLookUp(slug);
  const [pseudonym, setPseudonym] = useState("");
  const [reason, setReason] = useState("");
  const wanted = pseudonym.trim();
  const isWrong = wanted !== "" && !isPseudonym(wanted);
  const name = look.variables?.pseudonym ?? "";
  const found = look.data?.results;
  return (
    <Card title={t("identities.lookTitle")} style={{ flex: "none" }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          look.mutate({ pseudonym: wanted, reason: reason.trim() });
        }}
      >
        <div className="row t" style={{ gap: 12 }}>
          <TextInput
            label={t("identities.pseudonym")}
            description={t("identities.pseudonymNote")}
            inputWrapperOrder={["label", "input", "error", "description"]}
            value={pseudonym}
            error={isWrong ? t("identities.wrong") : undefined}
            maxLength={64}
            autoComplete="off"
            spellCheck={false}
            required
            style={{ flex: 1 }}
            onChange={(event) => setPseudonym(event.currentTarget.value)}
          />
          <TextInput
            label={t("identities.reason")}
            description={t("identities.reasonNote")}
            inputWrapperOrder={["label", "input", "error", "description"]}
            value={reason}
            maxLength={500}
            required
            style={{ flex: 1 }}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Button
            type="submit"
            variant="primary"
            busy={look.isPending}
            disabled={!isPseudonym(wanted) || reason.trim().length < MIN_REASON}
            style={{ marginTop: 23.5 }}
          >
            {t("identities.look")}
          </Button>
        </div>
        <ErrorLine error={look.error} />
        <div aria-live="polite">
          {found?.length === 0 ? <p className="alert plain">{t("identities.notFound", { name })}</p> : null}
          {found?.length ? (
            <>
              <div className="row" style={{ marginBottom: 8 }}>
                <span className="b grow">
                  {t("identities.found", { name, count: found.length, shown: count(found.length) })}
                </span>
                <Button dense onClick={look.reset}>
                  {t("identities.hide")}
                </Button>
              </div>
              <table>
                <thead>
                  <tr>
                    <th>{t("identities.patientId")}</th>
                    <th>{t("identities.patientName")}</th>
                    <th>{t("identities.studyDate")}</th>
                    <th>{t("identities.accession")}</th>
                    <th>{t("identities.studyUid")}</th>
                    <th className="r">{t("identities.images")}</th>
                  </tr>
                </thead>
                <tbody>
                  {studiesOf(found).map(({ identity, images }) => (
                    <tr key={`${identity.stored_sop_instance_uid} ${identity.sop_instance_uid}`}>
                      <td className="mono">{identity.patient_id || DASH}</td>
                      <td>{identity.patient_name || DASH}</td>
                      <td className="num nw">{dateOf(identity.study_date) || DASH}</td>
                      <td className="mono">{identity.accession_number || DASH}</td>
                      <td className="mono sm wrap" style={{ overflowWrap: "anywhere" }}>
                        {identity.study_instance_uid}
                      </td>
                      <td className="r num">{count(images)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          ) : null}
        </div>
      </form>
    </Card>
  );
}
