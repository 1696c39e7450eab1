import { createParser } from "eventsource-parser";
import { tooLarge } from "./statusErrors";

/** Whether a body begins as a stream of events does: with a field or a comment. */
export function looksLikeEvents(beginning: string): boolean {
  return /^(?:data|event|id|retry)?:/.test(beginning);
}

/** Longest event. Some servers send a call, with a whole file in it, as one. */
const mostEventCharacters = 4 << 20;

/**
 * The data of server-sent events, in order. A line that is JSON by itself counts as an event: some servers send their
 * errors so. Throws SERVER_FAILURE for an event of more than `mostEventCharacters`.
 */
export async function* eventsIn(text: AsyncIterable<string>, host: string): AsyncGenerator<string> {
  const events: string[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: mostEventCharacters,
    onEvent: ({ data }) => events.push(data),
    onError: ({ type, line, field, value }) => {
      if (type === "max-buffer-size-exceeded") isTooLong = true;
      else if (line?.startsWith("{")) events.push(line);
      else if (field === "error" && value !== undefined) events.push(value);
    },
  });
  const feed = (part: string) => {
    parser.feed(part);
    if (isTooLong) throw tooLarge(host, "an event", mostEventCharacters);
  };
  for await (const part of text) {
    feed(part);
    yield* events.splice(0);
  }
  // The last event of a stream that ended as it should may lack its empty line.
  feed("\n\n");
  yield* events;
}
