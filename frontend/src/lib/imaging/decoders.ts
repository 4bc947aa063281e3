/** The encodings in which the archive stores frames (`backend/dicom/stored_frames.py`), each with its decoder in WebAssembly. */
import charlsWasm from "@cornerstonejs/codec-charls/decodewasm?url";
import jpegWasm from "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm?url";
import openjpegWasm from "@cornerstonejs/codec-openjpeg/decodewasm?url";

interface Running {
  codec: WasmCodec;
  decoder: WasmDecoder;
}

async function started<C extends WasmCodec>(
  factory: Promise<{ default: StartWasm<C> }>,
  wasm: string,
  decoderOf: (codec: C) => WasmDecoder,
): Promise<Running> {
  // OpenJPEG tells of every frame that it reads; nobody listens.
  const codec = await (await factory).default({ locateFile: () => wasm, print: () => undefined });
  return { codec, decoder: decoderOf(codec) };
}

const jpegLs = () =>
  started(import("@cornerstonejs/codec-charls/decodewasmjs"), charlsWasm, (codec) => new codec.JpegLSDecoder());

const jpeg2000 = () =>
  started(import("@cornerstonejs/codec-openjpeg/decodewasmjs"), openjpegWasm, (codec) => new codec.J2KDecoder());

const jpeg = () =>
  started(
    import("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs"),
    jpegWasm,
    (codec) => new codec.JPEGDecoder(),
  );

const STARTERS: Record<string, () => Promise<Running>> = {
  "1.2.840.10008.1.2.4.50": jpeg,
  "1.2.840.10008.1.2.4.80": jpegLs,
  "1.2.840.10008.1.2.4.81": jpegLs,
  "1.2.840.10008.1.2.4.90": jpeg2000,
  "1.2.840.10008.1.2.4.91": jpeg2000,
};

const running = new Map<() => Promise<Running>, Promise<Running>>();

function runningOf(start: () => Promise<Running>): Promise<Running> {
  const known = running.get(start);
  if (known) return known;
  const starting = start();
  running.set(start, starting);
  // What could not be fetched once may be had for the next frame.
  starting.catch(() => running.delete(start));
  return starting;
}

/** Stored samples, little-endian, those of a pixel side by side. */
export async function decoded(bytes: Uint8Array, transferSyntax: string): Promise<Uint8Array<ArrayBuffer>> {
  const start = STARTERS[transferSyntax];
  if (!start) throw new Error(`No decoder for transfer syntax ${transferSyntax}`);
  const { codec, decoder } = await runningOf(start);
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    // What lies in the decoder's memory is overwritten by the next frame; CharLS calls some of its bytes clamped ones.
    const { buffer, byteOffset, byteLength } = decoder.getDecodedBuffer();
    return new Uint8Array(buffer, byteOffset, byteLength).slice();
  } catch (exception) {
    if (typeof exception !== "number") throw exception;
    throw new Error(codec.getExceptionMessage?.(exception) ?? "The frame cannot be decoded");
  }
}
