import { describe, expect, test } from "vitest";
import { DecodePool, type DecodingWorker } from "./decode-pool";
import type { DecodeAnswer, DecodeRequest } from "./decode-worker";

class HandWorker implements DecodingWorker {
  onmessage: ((event: MessageEvent<DecodeAnswer>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  isEnded = false;
  asked: DecodeRequest[] = [];
  postMessage(request: DecodeRequest): void {
    this.asked.push(request);
  }
  terminate(): void {
    this.isEnded = true;
  }
  get last(): DecodeRequest {
    return this.asked.at(-1) as DecodeRequest;
  }
  die(message: string): void {
    this.onerror?.({ message, preventDefault: () => undefined } as ErrorEvent);
  }
  answer(more: Partial<{ problem: string }> = {}): void {
    const { id, bytes } = this.last;
    const data = (more.problem ? { id, problem: more.problem } : { id, samples: bytes }) as DecodeAnswer;
    this.onmessage?.({ data } as MessageEvent<DecodeAnswer>);
  }
}

function poolOf(most: number) {
  const workers: HandWorker[] = [];
  const pool = new DecodePool(() => {
    const worker = new HandWorker();
    workers.push(worker);
    return worker;
  }, most);
  const decode = (name: number, urgent = false) =>
    pool.decode(String(name), Uint8Array.of(name), "1.2.840.10008.1.2.4.80", urgent);
  return { pool, workers, decode };
}

describe("the decoding workers", () => {
  test("take what a person waits for before what is loaded ahead, the latest first", async () => {
    const { workers, decode } = poolOf(1);
    const order: number[] = [];
    const all = [decode(1), decode(2), decode(3, true), decode(4, true)];
    const [worker] = workers as [HandWorker];
    for (let i = 0; i < 4; i++) {
      order.push(worker.last.bytes[0] as number);
      worker.answer();
    }
    expect(order).toEqual([1, 4, 3, 2]);
    expect((await Promise.all(all)).map((samples) => samples[0])).toEqual([1, 2, 3, 4]);
  });

  test("take a frame sooner that is hurried", () => {
    const { pool, workers, decode } = poolOf(1);
    for (const name of [1, 2, 3]) void decode(name);
    pool.hurry("3");
    pool.hurry("not here");
    workers[0]?.answer();
    expect(workers[0]?.last.bytes[0]).toBe(3);
  });

  test("are no more than they may be, and the first may be started ahead", () => {
    const { pool, workers, decode } = poolOf(2);
    pool.warm();
    pool.warm();
    expect(workers).toHaveLength(1);
    for (const name of [1, 2, 3]) void decode(name);
    expect(workers).toHaveLength(2);
    expect(workers.map((worker) => worker.asked.length)).toEqual([1, 1]);
  });

  test("say why a frame cannot be decoded, and go on with the next", async () => {
    const { workers, decode } = poolOf(1);
    const [broken, whole] = [decode(1), decode(2)];
    workers[0]?.answer({ problem: "invalid JPEG-LS" });
    await expect(broken).rejects.toThrow("invalid JPEG-LS");
    workers[0]?.answer();
    await expect(whole).resolves.toEqual(Uint8Array.of(2));
  });

  test("are replaced when one dies, and its frame is given to another", async () => {
    const { workers, decode } = poolOf(1);
    const [lost, next] = [decode(1), decode(2)];
    workers[0]?.die("could not be loaded");
    expect(workers[0]?.isEnded).toBe(true);
    workers[1]?.answer();
    await expect(lost).resolves.toEqual(Uint8Array.of(1));
    workers[1]?.answer();
    await expect(next).resolves.toEqual(Uint8Array.of(2));
  });

  test("give up a frame that two have died of, and go on with the next", async () => {
    const { workers, decode } = poolOf(1);
    const [lost, next] = [decode(1), decode(2)];
    workers[0]?.die("out of memory");
    workers[1]?.die("out of memory");
    await expect(lost).rejects.toThrow("out of memory");
    workers[2]?.answer();
    await expect(next).resolves.toEqual(Uint8Array.of(2));
  });

  test("get no frame once they have died idle", async () => {
    const { pool, workers, decode } = poolOf(1);
    pool.warm();
    workers[0]?.die("could not be loaded");
    const frame = decode(1);
    expect(workers).toHaveLength(2);
    workers[1]?.answer();
    await expect(frame).resolves.toEqual(Uint8Array.of(1));
  });

  test("leave the caller's bytes as they are", () => {
    const { pool, workers } = poolOf(1);
    const message = Uint8Array.from([9, 1, 2, 9]);
    void pool.decode("a", message.subarray(1, 3), "1.2.840.10008.1.2.4.80", false);
    expect(workers[0]?.last.bytes).toEqual(Uint8Array.of(1, 2));
    expect(message).toEqual(Uint8Array.from([9, 1, 2, 9]));
  });
});
