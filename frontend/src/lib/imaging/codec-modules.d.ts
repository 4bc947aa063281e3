// The codecs' packages bring no types of their own. What they have in common is C++ made WebAssembly by emscripten.
interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8Array | Uint8ClampedArray;
}

interface WasmCodec {
  getExceptionMessage?: (exception: number) => string;
}

type StartWasm<C extends WasmCodec> = (options: { locateFile: () => string; print: () => void }) => Promise<C>;

declare module "@cornerstonejs/codec-charls/decodewasmjs" {
  const start: StartWasm<WasmCodec & { JpegLSDecoder: new () => WasmDecoder }>;
  export default start;
}

declare module "@cornerstonejs/codec-openjpeg/decodewasmjs" {
  const start: StartWasm<WasmCodec & { J2KDecoder: new () => WasmDecoder }>;
  export default start;
}

declare module "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs" {
  const start: StartWasm<WasmCodec & { JPEGDecoder: new () => WasmDecoder }>;
  export default start;
}
