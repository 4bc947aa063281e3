/** Counts the seconds in which the reader is at work: page visible, and something done within the last minute. */
export class ActivityClock {
  seconds: number;
  private last = Date.now();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly listeners = new Set<() => void>();

  constructor(from: number) {
    this.seconds = from;
    this.timer = setInterval(this.tick, 1000);
    for (const event of EVENTS) window.addEventListener(event, this.touch, { passive: true, capture: true });
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  close(): void {
    clearInterval(this.timer);
    for (const event of EVENTS) window.removeEventListener(event, this.touch, { capture: true });
  }

  private readonly touch = (): void => {
    this.last = Date.now();
  };

  private readonly tick = (): void => {
    if (document.visibilityState !== "visible" || Date.now() - this.last > IDLE_MS) return;
    this.seconds += 1;
    for (const listener of this.listeners) listener();
  };
}

const IDLE_MS = 60_000;
const EVENTS = ["pointermove", "pointerdown", "keydown", "wheel"] as const;
