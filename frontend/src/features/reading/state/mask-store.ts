/** Masks by digest: those drawn here and those that the server keeps. A mask never changes, so neither does an entry. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Lesion, MaskRef } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { coversFrame, gridFromBlob, type MaskGrid, type StoredMask, storeMask } from "../geometry/mask-grid";
import { crackOutlines } from "../geometry/outline";

/** Seconds between tries to fetch a mask; the last holds on. */
const RETRIES_S = [1, 2, 4, 8, 15];

export interface MaskState {
  /** By `keyOf`: the same blob can lie at two places. */
  grids: Map<string, MaskGrid>;
  /** Asked for in vain so far, and asked for again: what has such a mask is not drawn. */
  failed: Set<string>;
}

const keyOf = (ref: MaskRef) => `${ref.digest}@${ref.origin.join(",")}/${ref.shape.join(",")}`;

export class MaskStore {
  readonly store: StoreApi<MaskState> = createStore(() => ({ grids: new Map(), failed: new Set() }));
  private readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  private readonly outlines = new Map<string, Point[][]>();
  private readonly loading = new Set<string>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private isClosed = false;
  private readonly fetchBlob: (digest: string) => Promise<Uint8Array<ArrayBuffer>>;

  constructor(fetchBlob: (digest: string) => Promise<Uint8Array<ArrayBuffer>>) {
    this.fetchBlob = fetchBlob;
  }

  /** Keep a mask that was drawn here. */
  add(grid: MaskGrid): StoredMask {
    const stored = storeMask(grid);
    this.blobs.set(stored.ref.digest, stored.blob);
    this.put(stored.ref, grid);
    return stored;
  }

  /** Keep bytes that a dead tab had drawn and not sent. */
  adopt(blobs: Record<string, Uint8Array<ArrayBuffer>>): void {
    for (const [digest, bytes] of Object.entries(blobs)) this.blobs.set(digest, bytes);
  }

  blobOf = (digest: string): Uint8Array<ArrayBuffer> | null => this.blobs.get(digest) ?? null;

  gridOf(ref: MaskRef | null): MaskGrid | null {
    return ref ? (this.store.getState().grids.get(keyOf(ref)) ?? null) : null;
  }

  /** Fetch what these lesions need and is not here yet. */
  need(lesions: readonly Lesion[]): void {
    for (const { mask } of lesions) if (mask) void this.load(mask);
  }

  /** Crack outlines (SCOORD) of one frame of a mask; none where it does not reach or is not loaded. */
  outlinesOf(ref: MaskRef, frame: number): Point[][] {
    const grid = this.gridOf(ref);
    if (!grid || !coversFrame(grid, frame)) return [];
    const key = `${keyOf(ref)}#${frame}`;
    const known = this.outlines.get(key);
    if (known) return known;
    const [, rows, columns] = grid.shape;
    const first = (frame - grid.origin[0]) * rows * columns;
    const [, top, left] = grid.origin;
    const outlines = crackOutlines(grid.data.subarray(first, first + rows * columns), rows, columns).map(
      (outline) => outline.map(([x, y]): Point => [x + left, y + top]),
    );
    this.outlines.set(key, outlines);
    return outlines;
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.isClosed = true;
  }

  private async load(ref: MaskRef, tries = 0): Promise<void> {
    const key = keyOf(ref);
    if (this.store.getState().grids.has(key) || this.loading.has(key)) return;
    this.loading.add(key);
    try {
      const blob = this.blobs.get(ref.digest) ?? (await this.fetchBlob(ref.digest));
      this.blobs.set(ref.digest, blob);
      this.put(ref, gridFromBlob(ref, blob));
    } catch {
      this.store.setState(({ failed }) => ({ failed: new Set(failed).add(key) }));
      this.again(ref, tries);
    } finally {
      this.loading.delete(key);
    }
  }

  /** A mark that stays away because one answer did not come would look like none. */
  private again(ref: MaskRef, tries: number): void {
    if (this.isClosed) return;
    const seconds = RETRIES_S[Math.min(tries, RETRIES_S.length - 1)] as number;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.load(ref, tries + 1);
    }, seconds * 1000);
    this.timers.add(timer);
  }

  private put(ref: MaskRef, grid: MaskGrid): void {
    const key = keyOf(ref);
    this.store.setState(({ grids, failed }) => ({
      grids: new Map(grids).set(key, grid),
      failed: failed.has(key) ? new Set([...failed].filter((one) => one !== key)) : failed,
    }));
  }
}
