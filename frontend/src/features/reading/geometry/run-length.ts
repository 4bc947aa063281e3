/**
 * Run-length coding of binary masks, byte for byte what the server stores: little-endian uint32 run lengths over the
 * cropped array in C order (frame, row, column); runs alternate, the first counts zeros and may be 0.
 */

export function encodeRuns(data: Uint8Array): Uint8Array<ArrayBuffer> {
  if (data.length === 0) throw new Error("A mask needs at least one element");
  const runs: number[] = [];
  let value = 0;
  let start = 0;
  for (let i = 0; i < data.length; i++) {
    const here = data[i] ? 1 : 0;
    if (here === value) continue;
    runs.push(i - start);
    start = i;
    value = here;
  }
  runs.push(data.length - start);
  const blob = new Uint8Array(runs.length * 4);
  const view = new DataView(blob.buffer);
  for (let i = 0; i < runs.length; i++) view.setUint32(i * 4, runs[i] as number, true);
  return blob;
}

/** The array of `size` elements that `blob` codes; an error when the runs do not fill it exactly. */
export function decodeRuns(blob: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (blob.length === 0 || blob.length % 4) throw new Error("A run-length blob is a sequence of 4-byte numbers");
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const data = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < blob.length / 4; i++) {
    const run = view.getUint32(i * 4, true);
    if (i > 0 && run === 0) throw new Error("Only the first run may be empty");
    if (at + run > size) throw new Error(`The runs cover more than ${size} elements`);
    if (i % 2) data.fill(1, at, at + run);
    at += run;
  }
  if (at !== size) throw new Error(`The runs cover ${at} elements, the shape has ${size}`);
  return data;
}
