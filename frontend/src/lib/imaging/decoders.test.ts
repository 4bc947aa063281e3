import { expect, test, vi } from "vitest";

const charls = vi.hoisted(() => ({ isThere: false }));

vi.mock("@cornerstonejs/codec-charls/decodewasmjs", () => ({
  default: async () => {
    if (!charls.isThere) throw new Error("Failed to fetch");
    const memory = new Uint8Array(2);
    class JpegLSDecoder {
      getEncodedBuffer = () => memory;
      getDecodedBuffer = () => memory;
      decode = () => undefined;
    }
    return { JpegLSDecoder };
  },
}));

import { decoded } from "./decoders";

const JPEG_LS = "1.2.840.10008.1.2.4.80";

test("a decoder that could not be fetched is fetched again for the next frame", async () => {
  const frame = Uint8Array.of(7, 8);
  await expect(decoded(frame, JPEG_LS)).rejects.toThrow("Failed to fetch");
  charls.isThere = true;
  await expect(decoded(frame, JPEG_LS)).resolves.toEqual(frame);
});
