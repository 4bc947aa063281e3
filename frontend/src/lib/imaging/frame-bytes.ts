/** One frame as it comes from WADO-RS (PS3.18 10.4.1.1.6): fetched, and taken out of its multipart message (RFC 2046). */

export interface FrameBytes {
  bytes: Uint8Array<ArrayBuffer>;
  transferSyntax: string;
}

/** Word for word what is asked ahead of time, too, so that the browser's cache answers with what came already. */
export const FRAME_TYPE = "multipart/related; type=application/octet-stream; transfer-syntax=*";

const EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";

/** Such frames are their samples. */
export const isRaw = (transferSyntax: string) => transferSyntax === EXPLICIT_LITTLE_ENDIAN;

/** A frame that the server did not give; `status` is HTTP's. */
export class FrameRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** `urgent`: a person waits for it, others may come later. */
export async function fetchFrame(url: string, urgent: boolean): Promise<FrameBytes> {
  const response = await fetch(url, {
    headers: { Accept: FRAME_TYPE },
    credentials: "same-origin",
    priority: urgent ? "high" : "low",
  } as RequestInit);
  if (!response.ok) throw new FrameRefused(response.status);
  return frameIn(await response.arrayBuffer(), response.headers.get("Content-Type") ?? "");
}

/** The first part of a message; the whole of it where it has no parts. */
export function frameIn(message: ArrayBuffer, contentType: string): FrameBytes {
  const all = new Uint8Array(message);
  if (!contentType.toLowerCase().startsWith("multipart/"))
    return { bytes: all, transferSyntax: syntaxIn(contentType) };
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) throw new Error("The frame came without a boundary");
  const begin = indexOf(all, "\r\n\r\n", 0);
  const end = lastIndexOf(all, `\r\n--${boundary}`);
  if (begin < 0 || end < begin) throw new Error("The frame came cut off");
  const head = String.fromCharCode(...all.subarray(0, begin));
  return { bytes: all.subarray(begin + 4, end), transferSyntax: syntaxIn(head) };
}

function syntaxIn(text: string): string {
  return /transfer-syntax="?([\d.]+)/i.exec(text)?.[1] ?? EXPLICIT_LITTLE_ENDIAN;
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  for (let at = from; at <= bytes.length - text.length; at++) if (isAt(bytes, text, at)) return at;
  return -1;
}

function lastIndexOf(bytes: Uint8Array, text: string): number {
  for (let at = bytes.length - text.length; at >= 0; at--) if (isAt(bytes, text, at)) return at;
  return -1;
}

function isAt(bytes: Uint8Array, text: string, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
