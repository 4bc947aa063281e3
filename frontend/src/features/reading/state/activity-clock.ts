/** Counts the seconds in which the reader is at work: page visible, and something done within the last minute. */
export class ActivityClock {
  seconds: number;
  private last = Date.now();
  private ticked = Date.now();
  private stamped = 0;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly listeners = new Set<() => void>();

  constructor(from: number) {
    this.seconds = from;
    this.timer = setInterval(this.tick, 1000);
    for (const event of EVENTS) window.addEventListener(event, this.touch, { passive: true, capture: true });
  }

  /** The time of a decision, to the tenth of a second: later than the one before, as nobody makes two at once. */
  stamp(): number {
    const now = this.seconds + Math.min(0.9, (Date.now() - this.ticked) / 1000);
    this.stamped = Math.round(Math.max(now, this.stamped + APART) * 10) / 10;
    return this.stamped;
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
    this.ticked = Date.now();
    if (document.visibilityState !== "visible" || Date.now() - this.last > IDLE_MS) return;
    this.seconds += 1;
    for (const listener of this.listeners) listener();
  };
}

/** Seconds between two decisions; the server takes none nearer for made one by one. */
const APART = 0.2;
const IDLE_MS = 60_000;
const EVENTS = ["pointermove", "pointerdown", "keydown", "wheel"] as const;
