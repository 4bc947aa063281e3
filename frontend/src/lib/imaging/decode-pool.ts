/** Hands frames to the decoding workers: those that a person waits for first, the latest of them before the others. */
import type { DecodeAnswer, DecodeRequest } from "./decode-worker";

interface Waiting {
  key: string;
  bytes: Uint8Array<ArrayBuffer>;
  transferSyntax: string;
  done: (samples: Uint8Array<ArrayBuffer>) => void;
  failed: (problem: Error) => void;
  /** One worker has died with it already. */
  isAgain: boolean;
}

export interface DecodingWorker {
  postMessage(request: DecodeRequest, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<DecodeAnswer>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

export class DecodePool {
  private readonly free: DecodingWorker[] = [];
  private readonly busy = new Map<DecodingWorker, Waiting>();
  private readonly urgent: Waiting[] = [];
  private readonly ahead: Waiting[] = [];
  private made = 0;
  private lastId = 0;
  private readonly most: number;
  private readonly make: () => DecodingWorker;

  constructor(make: () => DecodingWorker, most: number) {
    this.make = make;
    this.most = most;
  }

  /** Start a worker before the first frame is here. */
  warm(): void {
    if (this.made === 0) this.free.push(this.another());
  }

  /** Stored samples of a frame; `key` names it for those who hurry it later. */
  decode(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    transferSyntax: string,
    urgent: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((done, failed) => {
      const waiting = { key, bytes, transferSyntax, done, failed, isAgain: false };
      if (urgent) this.urgent.unshift(waiting);
      else this.ahead.push(waiting);
      this.give();
    });
  }

  /** What was loaded ahead is waited for now. */
  hurry(key: string): void {
    const at = this.ahead.findIndex((one) => one.key === key);
    if (at >= 0) this.urgent.unshift(...this.ahead.splice(at, 1));
  }

  private another(): DecodingWorker {
    this.made += 1;
    const worker = this.make();
    // Heard from the start: one that cannot be loaded says so while it is idle, too.
    worker.onerror = (event) => {
      event.preventDefault();
      this.lose(worker, event.message);
    };
    return worker;
  }

  /** It could not be loaded, or ran out of memory: it is not used again, and another has one try at its frame. */
  private lose(worker: DecodingWorker, message: string): void {
    worker.terminate();
    const at = this.free.indexOf(worker);
    const frame = this.busy.get(worker);
    if (at < 0 && !frame) return;
    if (at >= 0) this.free.splice(at, 1);
    this.busy.delete(worker);
    this.made -= 1;
    if (frame?.isAgain) frame.failed(new Error(message || "The decoder stopped"));
    else if (frame) this.urgent.unshift({ ...frame, isAgain: true });
    this.give();
  }

  private give(): void {
    while (this.urgent.length + this.ahead.length > 0) {
      const worker = this.free.pop() ?? (this.made < this.most ? this.another() : null);
      if (!worker) return;
      const next = this.urgent.shift() ?? this.ahead.shift();
      if (next) this.run(worker, next);
    }
  }

  private run(worker: DecodingWorker, frame: Waiting): void {
    const { bytes, transferSyntax, done, failed } = frame;
    const id = ++this.lastId;
    this.busy.set(worker, frame);
    worker.onmessage = ({ data }) => {
      if (data.id !== id) return;
      this.busy.delete(worker);
      this.free.push(worker);
      if ("samples" in data) done(data.samples);
      else failed(new Error(data.problem));
      this.give();
    };
    // The message's own copy: a part of a buffer cannot be handed over.
    const own = bytes.slice();
    worker.postMessage({ id, bytes: own, transferSyntax }, [own.buffer]);
  }
}
