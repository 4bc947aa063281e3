/** One's measurements: what they say, where they are; an arrow's words. Nothing is shown while there is none. */
import { IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Measurement } from "@/lib/api-types";
import { goToMeasurement, onFrame } from "../marks/measure-marks";
import { measurementText } from "../marks/measurement-text";
import { putMeasurement, removeMeasurement } from "../state/edits";
import { useReading, useSession, useUi, useView } from "../state/session-context";
import { useWords } from "../state/use-words";

export function MeasurementsSection() {
  const { t } = useTranslation("reading");
  const measurements = useReading((state) => state.doc.measurements);
  if (measurements.length === 0) return null;
  return (
    <section className="rr-list" data-testid="measurements">
      <div className="sect bare">
        <div className="sh">
          {t("measurements")} <span className="q">{measurements.length}</span>
        </div>
      </div>
      {measurements.map((one) => (
        <Row key={one.id} measurement={one} />
      ))}
    </section>
  );
}

function Row({ measurement }: { measurement: Measurement }) {
  const t = useWords();
  const session = useSession();
  const on = useUi((state) => state.selectedMeasurement === measurement.id);
  useView((state) => state.loaded);
  const name = t(`measured.${measurement.kind}`);
  const said = measurementText(session, measurement, t).filter((line) => line !== measurement.text);
  const index = session.frames.findIndex((frame) => onFrame(measurement, frame));
  const where = session.frames.length > 1 ? [t("onSlice", { n: index + 1 })] : [];
  return (
    <div className={`le mine ms-row${on ? " on" : ""}`}>
      <button
        type="button"
        className="rr-row plain"
        aria-pressed={on}
        onClick={() => {
          session.selectMeasurement(measurement.id);
          goToMeasurement(session, measurement);
        }}
      >
        <span className="ell">
          <span className="ty">{name}</span> <span className="q sm num">{[...said, ...where].join(" · ")}</span>
        </span>
      </button>
      {on && measurement.kind === "arrow" ? (
        <input
          className="in d ms-text"
          aria-label={t("arrowText")}
          placeholder={t("arrowText")}
          maxLength={120}
          value={measurement.text}
          disabled={session.isReadonly}
          onChange={(event) => {
            const text = event.target.value;
            session.edit((doc) => putMeasurement(doc, { ...measurement, text }), `text-${measurement.id}`);
          }}
        />
      ) : null}
      {session.isReadonly ? null : (
        <span className="row q rr-acts">
          <button
            type="button"
            className="rr-mini"
            aria-label={t("deleteMeasurement", { name })}
            onClick={() => {
              session.edit((doc) => removeMeasurement(doc, measurement.id));
              if (on) session.selectMeasurement(null);
            }}
          >
            <IconTrash size={16} stroke={1.6} />
          </button>
        </span>
      )}
    </div>
  );
}
