/** Asks what else of the patient there is, once the case's first image is drawn, and hangs it. */
import { useCallback, useEffect } from "react";
import { readRelated } from "../api/reading-api";
import { hangAsUsual, hanging } from "./arrange";
import type { RoomSession } from "./room-session";
import { useView } from "./session-context";

/** Of these the usual arrangement has several panes: it is asked for at once, or the screen would change under the eye. */
const HUNG_TOGETHER = new Set(["MG"]);

/** Ask again after a failure. */
export function useRelated(session: RoomSession): () => void {
  const { slug } = session.project;
  const { id, modality } = session.room.case;
  const mayAsk = useView((state) => state.shown !== null) || HUNG_TOGETHER.has(modality);
  const ask = useCallback(() => {
    session.display.setState({ relatedFailed: false, cine: hanging(session).cine });
    readRelated(slug, id).then(
      (related) => {
        session.display.setState({ related });
        session.links.showsSide(related.laterality);
        hangAsUsual(session);
      },
      // The case itself is there to be read.
      () => session.display.setState({ relatedFailed: true }),
    );
  }, [session, slug, id]);
  useEffect(() => {
    if (mayAsk) ask();
  }, [mayAsk, ask]);
  return ask;
}
