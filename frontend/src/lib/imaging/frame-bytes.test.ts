import { describe, expect, test } from "vitest";
import { frameIn, isRaw } from "./frame-bytes";
import { imageOf } from "./image";

const TYPE = 'multipart/related; type="application/octet-stream"; boundary="b7"';
const message = (head: string, body: number[], end = "\r\n--b7--\r\n") =>
  Uint8Array.from([
    ...[...`--b7\r\n${head}\r\n\r\n`].map((letter) => letter.charCodeAt(0)),
    ...body,
    ...[...end].map((letter) => letter.charCodeAt(0)),
  ]).buffer;

describe("a frame's message", () => {
  test("gives the bytes of its part and how they are encoded, line ends in the pixels included", () => {
    const body = [0, 13, 10, 45, 45, 255, 13, 10];
    const head = "Content-Type: image/jls; transfer-syntax=1.2.840.10008.1.2.4.80";
    const { bytes, transferSyntax } = frameIn(message(head, body), TYPE);
    expect([...bytes]).toEqual(body);
    expect(transferSyntax).toBe("1.2.840.10008.1.2.4.80");
  });

  test("without a transfer syntax is raw", () => {
    const { transferSyntax } = frameIn(message("Content-Type: application/octet-stream", [1]), TYPE);
    expect(isRaw(transferSyntax)).toBe(true);
  });

  test("that is no multipart message is the frame itself", () => {
    const { bytes, transferSyntax } = frameIn(
      Uint8Array.of(1, 2).buffer,
      "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50",
    );
    expect([...bytes]).toEqual([1, 2]);
    expect(transferSyntax).toBe("1.2.840.10008.1.2.4.50");
  });

  test("that is cut off is an error, not half an image", () => {
    expect(() => frameIn(message("Content-Type: image/jls", [1, 2], ""), TYPE)).toThrow("cut off");
    expect(() => frameIn(Uint8Array.of(1).buffer, "multipart/related")).toThrow("boundary");
  });
});

describe("decoded samples", () => {
  const format = { rows: 1, columns: 2, parts: 1, bitsAllocated: 16, isSigned: true };

  test("are words with their sign, also where they begin at an odd byte", () => {
    const bytes = Uint8Array.of(9, 0xff, 0xff, 2, 0).subarray(1);
    expect([...imageOf(bytes, format).values]).toEqual([-1, 2]);
    expect([...imageOf(bytes, { ...format, isSigned: false }).values]).toEqual([65535, 2]);
  });

  test("are bytes where eight bits are allocated, and what follows the last is left out", () => {
    const bytes = Uint8Array.of(200, 3, 77);
    expect([...imageOf(bytes, { ...format, bitsAllocated: 8 }).values]).toEqual([-56, 3]);
    expect([...imageOf(bytes, { ...format, bitsAllocated: 8, isSigned: false }).values]).toEqual([200, 3]);
  });

  test("that are too few are an error", () => {
    expect(() => imageOf(Uint8Array.of(1, 2), format)).toThrow("1 samples where 2 are due");
  });
});
