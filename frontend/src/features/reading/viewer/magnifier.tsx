/** A lens at the pointer: the image's own pixels, twice as large as they are shown, or as large as the screen's. */
import { useEffect, useRef } from "react";
import { canvasFromScoord } from "@/lib/imaging/coordinates";
import { useDisplay, useSession, useUi, useView } from "../state/session-context";

const DIAMETER = 220;
const FACTOR = 2;

export function Magnifier() {
  const session = useSession();
  const shown = useDisplay((state) => state.magnifier);
  const at = useUi((state) => state.hover);
  const toCanvas = useView((state) => state.toCanvas);
  const window = useView((state) => state.window);
  const inverted = useView((state) => state.inverted);
  const drawn = useView((state) => state.shown);
  const canvas = useRef<HTMLCanvasElement>(null);
  const isOn = shown && at !== null && toCanvas !== null;

  // biome-ignore lint/correctness/useExhaustiveDependencies: window, inversion and frame change what is drawn
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!isOn || !context) return;
    const picture = session.view?.magnified(at, DIAMETER, FACTOR);
    if (picture) context.putImageData(picture, 0, 0);
  }, [isOn, at, toCanvas, window, inverted, drawn, session]);

  if (!isOn) return null;
  const [x, y] = canvasFromScoord(at, toCanvas);
  const style = { left: x - DIAMETER / 2, top: y - DIAMETER / 2, width: DIAMETER, height: DIAMETER };
  return (
    <canvas ref={canvas} className="rr-lens" width={DIAMETER} height={DIAMETER} style={style} data-testid="lens" />
  );
}
