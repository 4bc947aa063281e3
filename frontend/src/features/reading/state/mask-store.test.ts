import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Lesion } from "@/lib/api-types";
import { storeMask } from "../geometry/mask-grid";
import { MaskStore } from "./mask-store";

const drawn = storeMask({ origin: [0, 4, 5], shape: [1, 2, 2], data: new Uint8Array([1, 1, 1, 0]) });
const lesion = { id: "m", mask: drawn.ref } as Lesion;

describe("the masks of a room", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("one that could not be fetched is named, asked for again, and drawn when it comes", async () => {
    let away = 3;
    const masks = new MaskStore(async () => {
      if (away-- > 0) throw new Error("HTTP 503");
      return drawn.blob;
    });
    masks.need([lesion]);
    await vi.advanceTimersByTimeAsync(500);
    expect(masks.store.getState().failed.size).toBe(1);
    expect(masks.outlinesOf(drawn.ref, 0)).toEqual([]);
    await vi.advanceTimersByTimeAsync(7000);
    expect(masks.store.getState().failed.size).toBe(0);
    expect(masks.outlinesOf(drawn.ref, 0)).toHaveLength(1);
  });

  test("bytes that a dead tab left are taken although the server was asked first and had none", async () => {
    const masks = new MaskStore(() => Promise.reject(new Error("HTTP 404")));
    masks.need([lesion]);
    masks.adopt({ [drawn.ref.digest]: drawn.blob });
    await vi.advanceTimersByTimeAsync(1500);
    expect(masks.gridOf(drawn.ref)?.data).toEqual(drawn.grid.data);
  });

  test("a room that is left asks no more", async () => {
    const fetched = vi.fn(() => Promise.reject(new Error("HTTP 503")));
    const masks = new MaskStore(fetched);
    masks.need([lesion]);
    await vi.advanceTimersByTimeAsync(500);
    masks.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetched).toHaveBeenCalledTimes(1);
  });
});
