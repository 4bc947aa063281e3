import { describe, expect, test, vi } from "vitest";
import { FrameStore } from "./frame-store";
import type { Image } from "./image";

const frame = (bytes: number): Image => ({ rows: 1, columns: bytes, parts: 1, values: new Uint8Array(bytes) });

function storeOf(limit: number, read = async (_: string) => frame(100)) {
  const source = { read: vi.fn(read), hurry: vi.fn() };
  return { source, store: new FrameStore(source, limit) };
}

describe("the frame store", () => {
  test("asks once for what is on its way and never for what is here", async () => {
    const { store, source } = storeOf(1000);
    const [one, other] = await Promise.all([store.load("a"), store.load("a")]);
    expect(one).toBe(other);
    expect(await store.load("a")).toBe(one);
    expect(source.read).toHaveBeenCalledTimes(1);
  });

  test("lets those go that were not used for longest, and tells of each", async () => {
    const { store } = storeOf(250);
    const gone: string[] = [];
    store.onDropped((name) => gone.push(name));
    await store.load("a");
    await store.load("b");
    store.get("a");
    await store.load("c");
    expect(gone).toEqual(["b"]);
    expect([store.get("a"), store.get("b"), store.get("c")].map(Boolean)).toEqual([true, false, true]);
  });

  test("keeps a frame that is larger than the limit as long as it is the last", async () => {
    const { store } = storeOf(50);
    await store.load("a");
    expect(store.get("a")).not.toBeNull();
    await store.load("b");
    expect(store.get("a")).toBeNull();
  });

  test("asks again after a failure", async () => {
    let failing = true;
    const { store } = storeOf(1000, async () => {
      if (failing) throw new Error("HTTP 503");
      return frame(1);
    });
    await expect(store.load("a")).rejects.toThrow("HTTP 503");
    failing = false;
    await expect(store.load("a")).resolves.toBeDefined();
  });

  test("hurries what was asked for ahead when a person waits for it", async () => {
    let arrive: (image: Image) => void = () => undefined;
    const { store, source } = storeOf(1000, () => new Promise((done) => (arrive = done)));
    const ahead = store.load("a");
    const isUrgent = (source.read.mock.calls[0] as unknown as [string, () => boolean])[1];
    expect(isUrgent()).toBe(false);
    const waited = store.load("a", true);
    expect(source.hurry).toHaveBeenCalledWith("a");
    expect(isUrgent()).toBe(true);
    arrive(frame(1));
    expect(await waited).toBe(await ahead);
  });

  test("is told to drop what is not here, and does nothing", () => {
    const { store } = storeOf(1000);
    const heard = vi.fn();
    store.onDropped(heard);
    store.drop("a");
    expect(heard).not.toHaveBeenCalled();
  });
});
