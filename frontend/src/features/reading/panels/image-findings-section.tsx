/** What holds for the image as a whole, each with its key. */
import { useTranslation } from "react-i18next";
import { decimal } from "@/lib/format";
import { Kbd } from "@/ui/kbd";
import { Ring } from "@/ui/ring";
import { useReading, useSession } from "../state/session-context";

export function ImageFindingsSection() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const found = useReading((state) => state.doc.image_findings);
  const types = session.imageTypes;
  if (types.length === 0) return null;
  const guesses = session.room.model?.image_findings ?? {};
  const probabilities = session.room.model?.image_probabilities ?? {};
  return (
    <section className="sect" data-testid="image-findings">
      <div className="sh">{t("imageFindings")}</div>
      <div className="row" style={{ flexWrap: "wrap", gap: 6 }}>
        {types.map((type) => {
          const on = found[String(type.id)] === "present";
          const guess = guesses[String(type.id)];
          const probability = probabilities[String(type.id)];
          return (
            <button
              key={type.id}
              type="button"
              className={`fkey${on ? " on" : ""}`}
              aria-pressed={on}
              disabled={session.isReadonly}
              onClick={() => session.toggleImageFinding(type.id)}
            >
              {type.key ? <Kbd>{type.key}</Kbd> : null}
              {type.name}
              {typeof guess === "number" ? (
                <span
                  className="row q xs num"
                  style={{ gap: 3 }}
                  title={
                    typeof probability === "number"
                      ? t("modelScoreCalibrated", { probability: decimal(probability) })
                      : t("modelScoreUncalibrated")
                  }
                >
                  <Ring model size={9} />
                  {decimal(guess)}
                </span>
              ) : null}
            </button>
          );
        })}
      </div>
    </section>
  );
}
