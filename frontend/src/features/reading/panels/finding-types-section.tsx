/** The types that a mark can have, with their keys; the active one is what the next mark will be. */
import { useTranslation } from "react-i18next";
import { Kbd } from "@/ui/kbd";
import { Swatch } from "@/ui/swatch";
import { useReading, useSession, useUi } from "../state/session-context";

export function FindingTypesSection() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const active = useUi((state) => state.activeType);
  const selectedType = useReading(
    (state) => state.doc.lesions.find((lesion) => lesion.id === state.selected)?.finding_type,
  );
  const types = session.lesionTypes;
  if (types.length === 0) return null;
  const current = selectedType ?? active;
  return (
    <section className="sect">
      <div className="sh">
        {t("findingTypes")}
        <span className="grow" />
        <span className="q xs">{t("vocabulary", { n: session.room.reading.vocabulary_version })}</span>
      </div>
      <div className="rr-types" role="radiogroup" aria-label={t("findingTypes")}>
        {types.map((type) => (
          // biome-ignore lint/a11y/useSemanticElements: a radio input cannot hold swatch and key
          <button
            key={type.id}
            type="button"
            role="radio"
            aria-checked={type.id === current}
            className={`fkey${type.id === current ? " on" : ""}`}
            title={type.code_meaning || type.name}
            onClick={() => session.chooseType(type.id)}
          >
            {type.key ? <Kbd>{type.key}</Kbd> : null}
            <Swatch colour={type.colour} />
            <span className="ell">{type.name}</span>
          </button>
        ))}
      </div>
    </section>
  );
}
