import { AbortedError } from "../common/errors";
import { connectionFailure, ServerFailure } from "./serverErrors";
import { type ServerResponse, silence } from "./serverTransport";
import { notAStream, tooLarge } from "./statusErrors";

const fewestCharacters = 8;
/** More white space than this is waited for in no body. */
const mostSpace = 1000;

/**
 * The text of a body as it comes. Throws SERVER_FAILURE where the connection breaks, or stays without a byte for
 * `silentMs`; ends the connection as soon as nobody reads on.
 */
export async function* textOf(
  { body, header, url }: ServerResponse,
  silentMs: number,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const { host } = new URL(url);
  const encoding = header("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    body.destroy();
    throw notAStream(host, `answers in an encoding that was not asked for (${encoding.slice(0, 40)})`, false);
  }
  const decoder = new TextDecoder();
  const silent = setTimeout(() => body.destroy(silence(host, silentMs)), silentMs);
  const cancel = () => body.destroy(new AbortedError());
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    for await (const chunk of body) {
      silent.refresh();
      yield decoder.decode(chunk, { stream: true });
    }
    if (!body.complete) throw brokenStream(host);
    yield decoder.decode();
  } catch (error) {
    if (signal?.aborted) throw new AbortedError();
    const failure = connectionFailure(error, host);
    throw failure instanceof ServerFailure && failure.reason === "reset" ? brokenStream(host, error) : failure;
  } finally {
    clearTimeout(silent);
    signal?.removeEventListener("abort", cancel);
    body.destroy();
  }
}

/** Enough of it is waited for to tell what it is. `text` is all of it. */
export async function beginningOf(
  text: AsyncGenerator<string>,
): Promise<{ readonly beginning: string; readonly text: AsyncIterable<string> }> {
  let read = "";
  let isOver = false;
  while (!isOver && read.trimStart().length < fewestCharacters && read.length < mostSpace) {
    const { done = false, value } = await text.next();
    isOver = done;
    read += value ?? "";
  }
  return { beginning: read.trimStart(), text: behind(read, text) };
}

async function* behind(read: string, text: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield read;
    yield* text;
  } finally {
    await text.return(undefined);
  }
}

/** A whole body of at most `maxCharacters`. */
export async function wholeText(
  response: ServerResponse,
  maxCharacters: number,
  silentMs: number,
  signal?: AbortSignal,
): Promise<string> {
  let text = "";
  for await (const part of textOf(response, silentMs, signal)) {
    text += part;
    if (text.length > maxCharacters) throw tooLarge(new URL(response.url).host, "an answer", maxCharacters);
  }
  return text;
}

export function brokenStream(host: string, cause?: unknown): ServerFailure {
  return new ServerFailure(
    "broken",
    `${host} ended the connection in the middle of the answer`,
    "continue the answer; what came is kept",
    { host },
    cause,
  );
}
