import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { AbortedError, type ResidentError } from "../../common/errors";
import { hubFailure, transientFailure } from "./hubErrors";
import { connectionError, type HubAnswer } from "./hubTransport";

export interface BodyLimits {
  /** The stream fails when so long passes without `leastBytes` more bytes: a drip is as bad as silence. */
  readonly stallMs: number;
  readonly leastBytes: number;
}

/** The chunks of a body as they come. Throws a transient error where the connection breaks or stalls. */
export async function* chunksOf(
  body: IncomingMessage,
  host: string,
  { stallMs, leastBytes }: BodyLimits,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  let arrived = 0;
  const stalled = setInterval(() => {
    if (arrived < leastBytes) body.destroy(transientFailure(`${host} sends nothing or hardly anything`, { host }));
    arrived = 0;
  }, stallMs);
  const cancel = () => body.destroy(new AbortedError());
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    for await (const chunk of body) {
      arrived += chunk.length;
      yield chunk;
    }
    if (!body.complete) throw transientFailure(`${host} ended the connection too early`, { host });
  } catch (error) {
    if (signal?.aborted) throw new AbortedError();
    throw connectionError(error, host);
  } finally {
    clearInterval(stalled);
    signal?.removeEventListener("abort", cancel);
    body.destroy();
  }
}

const unpackers = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) };

/** A whole body, unpacked. Throws HUB_FAILURE when it is longer than `maxBytes` or damaged. */
export async function readBody(
  { body, header, url }: HubAnswer,
  maxBytes: number,
  limits: BodyLimits,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { host } = new URL(url);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(body, host, limits, signal)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLong(host, maxBytes);
    parts.push(chunk);
  }
  const encoding = header("content-encoding") ?? "identity";
  const packed = Buffer.concat(parts);
  if (encoding === "identity") return packed;
  const unpack = Object.entries(unpackers).find(([name]) => name === encoding)?.[1];
  if (unpack === undefined) throw hubFailure(`${host} answers in an unknown encoding (${encoding})`, "check the proxy");
  try {
    return await unpack(packed, { maxOutputLength: maxBytes });
  } catch (error) {
    throw transientFailure(`the compressed answer of ${host} is damaged or too long`, { host, bytes }, error);
  }
}

function tooLong(host: string, maxBytes: number): ResidentError {
  return hubFailure(`${host} sends more than the ${maxBytes} bytes that such an answer may have`, "check its address", {
    host,
    maxBytes,
  });
}
