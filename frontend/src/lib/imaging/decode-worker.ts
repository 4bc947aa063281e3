/** Decodes frames beside the page, one after another. */
import { decoded } from "./decoders";

export interface DecodeRequest {
  id: number;
  bytes: Uint8Array<ArrayBuffer>;
  transferSyntax: string;
}

export type DecodeAnswer = { id: number; samples: Uint8Array<ArrayBuffer> } | { id: number; problem: string };

const scope = self as unknown as {
  onmessage: (event: MessageEvent<DecodeRequest>) => void;
  postMessage: (answer: DecodeAnswer, transfer?: Transferable[]) => void;
};

scope.onmessage = async ({ data: { id, bytes, transferSyntax } }) => {
  try {
    const samples = await decoded(bytes, transferSyntax);
    scope.postMessage({ id, samples }, [samples.buffer]);
  } catch (error) {
    scope.postMessage({ id, problem: error instanceof Error ? error.message : String(error) });
  }
};
