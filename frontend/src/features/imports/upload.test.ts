import { describe, expect, it } from "vitest";
import { CHUNK, inParallel, uploadFile } from "@/features/imports/upload";
import { ApiError } from "@/lib/api-client";

const noWait = async () => undefined;

/** A server that keeps what it gets, with faults to order. */
function server(held = 0, faults: Error[] = []) {
  const pieces: [number, number][] = [];
  const state = {
    held,
    pieces,
    put: async (offset: number, piece: Blob) => {
      const fault = faults.shift();
      if (fault) throw fault;
      if (offset !== state.held) throw new ApiError(409, { received: state.held });
      pieces.push([offset, piece.size]);
      state.held += piece.size;
      return state.held;
    },
  };
  return state;
}

function send(file: Blob, received: number, to: ReturnType<typeof server>, signal = new AbortController().signal) {
  const told: number[] = [];
  const done = uploadFile(file, received, {
    put: to.put,
    onReceived: (now) => told.push(now),
    signal,
    wait: noWait,
  });
  return done.then(() => told);
}

const bytes = (size: number) => new Blob([new Uint8Array(size)]);

describe("uploading a file", () => {
  it("sends it in pieces that begin where the last one ended", async () => {
    const to = server();
    const told = await send(bytes(2 * CHUNK + 5), 0, to);
    expect(to.pieces).toEqual([
      [0, CHUNK],
      [CHUNK, CHUNK],
      [2 * CHUNK, 5],
    ]);
    expect(told.at(-1)).toBe(2 * CHUNK + 5);
  });
  it("goes on where the server says, when the two differ", async () => {
    const to = server(CHUNK);
    await send(bytes(CHUNK + 7), 0, to);
    expect(to.pieces).toEqual([[CHUNK, 7]]);
  });
  it("resumes at the bytes that the server already holds", async () => {
    const to = server(3);
    await send(bytes(10), 3, to);
    expect(to.pieces).toEqual([[3, 7]]);
  });
  it("tries again when the network fails and when the server restarts", async () => {
    const to = server(0, [new TypeError("Failed to fetch"), new ApiError(503, "")]);
    await send(bytes(10), 0, to);
    expect(to.held).toBe(10);
  });
  it("stops at a refusal", async () => {
    const to = server(0, [new ApiError(403, { detail: "No." })]);
    await expect(send(bytes(10), 0, to)).rejects.toThrow("No.");
  });
  it("stops when a refusal says that the server holds just as much as was sent", async () => {
    const to = server(0, [new ApiError(409, { received: 0, detail: "The run has started." })]);
    await expect(send(bytes(10), 0, to)).rejects.toThrow("The run has started.");
  });
  it("sends an empty file once", async () => {
    const to = server();
    await send(bytes(0), 0, to);
    expect(to.pieces).toEqual([[0, 0]]);
  });
  it("stops when it is paused", async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(send(bytes(10), 0, server(), stop.signal)).rejects.toThrow();
  });
});

describe("uploading many", () => {
  it("keeps to its width and reaches every file", async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++now);
      await new Promise((next) => setTimeout(next, 1));
      now -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});
