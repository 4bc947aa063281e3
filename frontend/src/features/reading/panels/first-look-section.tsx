/** In the model's place until the reader has looked on his own. */
import { IconEyeSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { useReading, useSession } from "../state/session-context";
import { useKeyOf } from "../state/use-key-of";

export function FirstLookSection() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const keyOf = useKeyOf();
  const verdict = useReading((state) => state.doc.verdict);
  const [busy, setBusy] = useState(false);
  const ready = verdict !== "" && verdict !== "deferred";
  const reveal = async () => {
    setBusy(true);
    await session.reveal();
    setBusy(false);
  };
  return (
    <section className="sect" data-testid="first-look">
      <div className="sh">
        <IconEyeSearch size={14} stroke={1.6} />
        {t("firstLook.title")}
      </div>
      <p className="sm sec" style={{ marginBottom: 10 }}>
        {t("firstLook.explain")}
      </p>
      <div className="row" style={{ gap: 8 }}>
        <Button
          dense
          variant={ready ? "primary" : "default"}
          kbd={keyOf("reveal")}
          busy={busy}
          disabled={session.isReadonly}
          onClick={() => void reveal()}
        >
          {t("firstLook.reveal")}
        </Button>
        {ready ? null : <span className="sm q">{t("firstLook.verdictFirst")}</span>}
      </div>
    </section>
  );
}
