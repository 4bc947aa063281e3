import { describe, expect, test } from "vitest";

import type { FrameMemory } from "./frame-memory";
import { SeriesLoader } from "./series-loader";

/** Frames of ten bytes that arrive when the test says so. */
class Memory implements FrameMemory {
  readonly asked: number[] = [];
  readonly held = new Set<number>();
  private readonly arrive = new Map<number, (bytes: number) => void>();
  private readonly fail = new Map<number, (reason: Error) => void>();
  private listener: (imageId: string) => void = () => undefined;

  constructor(readonly share: number) {}

  load(imageId: string): Promise<number> {
    const index = Number(imageId);
    this.asked.push(index);
    return new Promise((arrive, fail) => {
      this.arrive.set(index, arrive);
      this.fail.set(index, fail);
    });
  }

  drop(imageId: string): void {
    this.held.delete(Number(imageId));
    this.listener(imageId);
  }

  onDropped(listener: (imageId: string) => void): () => void {
    this.listener = listener;
    return () => {
      this.listener = () => undefined;
    };
  }

  /** Let everything that is asked for come in, and what is asked for thereupon. */
  async deliverAll(): Promise<void> {
    while (this.arrive.size > 0) {
      for (const [index, arrive] of [...this.arrive]) {
        this.arrive.delete(index);
        this.held.add(index);
        arrive(10);
      }
      await new Promise((done) => setTimeout(done));
    }
  }

  async refuse(index: number): Promise<void> {
    this.arrive.delete(index);
    this.fail.get(index)?.(new Error("gone"));
    await new Promise((done) => setTimeout(done));
  }
}

function loaderOf(count: number, share = Number.POSITIVE_INFINITY) {
  const memory = new Memory(share);
  const ids = Array.from({ length: count }, (_, index) => String(index));
  return {
    memory,
    loader: new SeriesLoader(
      ids,
      () => undefined,
      memory,
      (then) => then(),
    ),
  };
}

describe("the series loader", () => {
  test("loads every frame once, the shown one first, a few at a time", async () => {
    const { memory, loader } = loaderOf(20);
    loader.around(10);
    expect(memory.asked).toHaveLength(4);
    expect(memory.asked[0]).toBe(10);
    await memory.deliverAll();
    expect([...memory.asked].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(loader.loadedCount).toBe(20);
  });

  test("looks further ahead on the reader's way than behind him", async () => {
    const { memory, loader } = loaderOf(101);
    loader.around(49);
    loader.around(50);
    await memory.deliverAll();
    const first = memory.asked.slice(0, 20);
    expect(first.filter((index) => index > 50).length).toBeGreaterThan(first.filter((index) => index < 50).length);
    const back = loaderOf(101);
    back.loader.around(51);
    back.loader.around(50);
    await back.memory.deliverAll();
    const firstBack = back.memory.asked.slice(4, 20);
    expect(firstBack.filter((index) => index < 50).length).toBeGreaterThan(
      firstBack.filter((index) => index > 50).length,
    );
  });

  test("keeps a series that is larger than its share of memory around the shown frame", async () => {
    const { memory, loader } = loaderOf(1000, 10 * 100);
    loader.around(500);
    await memory.deliverAll();
    expect(memory.held.size).toBe(100);
    expect(Math.min(...memory.held)).toBe(450);
    loader.around(900);
    await memory.deliverAll();
    expect(memory.held.size).toBe(100);
    expect([...memory.held].every((index) => index >= 850)).toBe(true);
    expect(loader.loadedCount).toBe(100);
    expect(loader.states[500]).toBe("waiting");
    loader.around(500);
    await memory.deliverAll();
    expect(memory.held.has(500)).toBe(true);
  });

  test("at rest asks for nothing more, whatever does not fit", async () => {
    const { memory, loader } = loaderOf(1000, 10 * 100);
    loader.around(500);
    await memory.deliverAll();
    const asked = memory.asked.length;
    loader.around(500);
    await memory.deliverAll();
    expect(memory.asked).toHaveLength(asked);
  });

  test("tries a failed frame again when the network is back, and not before", async () => {
    const { memory, loader } = loaderOf(1);
    loader.around(0);
    await memory.refuse(0);
    expect(loader.states).toEqual(["failed"]);
    loader.around(0);
    expect(memory.asked).toEqual([0]);
    loader.again();
    await memory.deliverAll();
    expect(loader.states).toEqual(["loaded"]);
  });

  test("asks again for a frame that another series pushed out, once the reader comes near", async () => {
    const { memory, loader } = loaderOf(10);
    loader.around(0);
    await memory.deliverAll();
    memory.drop("7");
    expect(loader.states[7]).toBe("waiting");
    loader.around(6);
    await memory.deliverAll();
    expect(loader.loadedCount).toBe(10);
  });

  test("leaves the cores to the first image until it is painted", async () => {
    const memory = new Memory(Number.POSITIVE_INFINITY);
    let painted: () => void = () => undefined;
    const loader = new SeriesLoader(
      ["0", "1", "2"],
      () => undefined,
      memory,
      (then) => {
        painted = then;
      },
    );
    loader.around(1);
    expect(memory.asked).toEqual([]);
    painted();
    await memory.deliverAll();
    expect(loader.loadedCount).toBe(3);
  });

  test("stopped, it asks for nothing and hears nothing", async () => {
    const { memory, loader } = loaderOf(50);
    loader.around(0);
    loader.stop();
    await memory.deliverAll();
    expect(memory.asked).toHaveLength(4);
  });
});
