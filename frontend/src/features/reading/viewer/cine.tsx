/** Plays the frames in a circle, at the speed of the header or of the reader, as fast as they are loaded. */
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { decimal } from "@/lib/format";
import { frameRateOf } from "@/lib/imaging/frame-rate";
import { nextSpeed } from "../state/display";
import { useDisplay, useSession, useView } from "../state/session-context";

export function Cine() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const playing = useDisplay((state) => state.playing);
  const ready = useDisplay((state) => state.cine);
  const speed = useDisplay((state) => state.speed);
  const total = useView((state) => state.frames.length);
  const first = useView((state) => state.frames[0]);

  useEffect(() => {
    const own = first ? frameRateOf(first.imageId) : null;
    if (own) session.display.setState({ speed: own });
  }, [first, session]);

  useEffect(() => {
    if (!playing || total < 2) return;
    const timer = setInterval(() => {
      const { target, shown } = session.view?.store.getState() ?? {};
      // A frame that is not there yet is waited for, not jumped over.
      if (target === undefined || shown !== target) return;
      session.view?.goTo((target + 1) % total);
    }, 1000 / speed);
    return () => clearInterval(timer);
  }, [playing, speed, total, session]);

  if ((!playing && !ready) || total < 2) return null;
  const change = (direction: 1 | -1) => session.display.setState({ speed: nextSpeed(speed, direction) });
  const Icon = playing ? IconPlayerPause : IconPlayerPlay;
  return (
    <div className="rr-cine" role="status">
      <button
        type="button"
        className="rr-mini"
        aria-label={t("command.cine")}
        onClick={() => session.display.setState({ playing: !playing })}
      >
        <Icon size={16} stroke={1.6} />
      </button>
      <button type="button" className="rr-mini" aria-label={t("command.slower")} onClick={() => change(-1)}>
        −
      </button>
      <span className="num nw">
        {t("framesPerSecond", { speed: decimal(speed, Number.isInteger(speed) ? 0 : 1) })}
      </span>
      <button type="button" className="rr-mini" aria-label={t("command.faster")} onClick={() => change(1)}>
        +
      </button>
    </div>
  );
}
