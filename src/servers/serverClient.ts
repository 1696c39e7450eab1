import { parseBoundedJson } from "../common/boundedJson";
import { type ResidentError, throwIfAborted } from "../common/errors";
import type { ServerAnswer, ServerPiece, ServerUsage } from "../common/serverAnswer";
import { pause } from "../net/waits";
import { AnswerReader } from "./answerReader";
import { chatBody, type OptionalMember, type RewrittenMember, refusedMember, type ServerChatRequest } from "./chatBody";
import { listedModels, type ServerModel } from "./listedModels";
import { beginningOf, brokenStream, textOf, wholeText } from "./serverBody";
import { ServerFailure, shortWords } from "./serverErrors";
import { eventsIn, looksLikeEvents } from "./serverEvents";
import { type ServerAccess, type ServerResponse, type ServerTimes, ServerTransport } from "./serverTransport";
import { errorIn, notAStream, statusError } from "./statusErrors";
import { StreamTail } from "./streamTail";

export interface ServerOptions extends ServerTimes {
  /** Requests that are sent in all, while nothing of the answer has come. */
  readonly attempts: number;
  /** Before the second attempt, where the server does not say; twice as long before each further one. */
  readonly firstDelayMs: number;
  /** A server that asks for a longer pause makes the request fail, with that time in the message. */
  readonly longestDelayMs: number;
  /** How long the end of a stream may be missing behind the answer's own end. */
  readonly tailMs: number;
}

export const serverOptions: ServerOptions = {
  connectMs: 15_000,
  silentMs: 10 * 60_000,
  attempts: 4,
  firstDelayMs: 500,
  longestDelayMs: 90_000,
  tailMs: 5_000,
};

export interface TestAnswer {
  /** What was said, thought or answer. */
  readonly text: string;
  readonly ms: number;
  readonly usage: ServerUsage;
}

/** How long a stream may stay open behind its last event. */
const lastMs = 50;
const mostListCharacters = 8 << 20;
const mostErrorCharacters = 64 << 10;

/** One server with an OpenAI-compatible chat endpoint. Everything that it sends is checked: it may be anybody's. */
export class ServerClient {
  private readonly transport: ServerTransport;
  private readonly refused = new Set<OptionalMember | RewrittenMember>();

  constructor(
    access: ServerAccess,
    private readonly options: ServerOptions = serverOptions,
  ) {
    this.transport = new ServerTransport(access, options);
  }

  /** Ends idle connections. */
  close(): void {
    this.transport.close();
  }

  /** The models in the server's order. Rejects with SERVER_DENIED, SERVER_REFUSED, SERVER_FAILURE or ABORTED. */
  async listModels(signal?: AbortSignal): Promise<readonly ServerModel[]> {
    return this.withRetries(signal, async () => {
      const response = await this.transport.get("/models", signal);
      if (response.status >= 400) throw await this.failureOf(response, undefined, signal);
      const text = await wholeText(response, mostListCharacters, this.options.silentMs, signal);
      const models = listedModels(this.json(text));
      if (models === undefined) throw notAStream(this.transport.host, "lists no models", false);
      return models;
    });
  }

  /** Asks for one word. Rejects as `chat` does. */
  async testRequest(model: string, signal?: AbortSignal): Promise<TestAnswer> {
    const startedMs = performance.now();
    let text = "";
    const messages = [{ role: "user", content: "Say OK." }] as const;
    const readCall = () => ({ kind: "unknown" }) as const;
    const request = { model, messages, sampling: { maxTokens: 16 }, newId: () => "call", readCall };
    const { usage } = await this.chat(request, signal, (event) => {
      if (event.type !== "waits") text += event.text;
    });
    return { text, ms: performance.now() - startedMs, usage };
  }

  /**
   * One answer, piece by piece. Rejects with SERVER_DENIED, SERVER_REFUSED, CONTEXT_FULL, SERVER_FAILURE or ABORTED; what
   * came before was given to `onEvent` and counts. While nothing has come, a request that was turned away for the moment
   * is sent again. Cancelling closes the stream at once.
   */
  async chat(
    request: ServerChatRequest,
    signal: AbortSignal | undefined,
    onEvent: (event: ServerPiece) => void,
  ): Promise<ServerAnswer> {
    let reader = new AnswerReader(request, this.transport.host, onEvent);
    const attempt = async () => {
      reader = new AnswerReader(request, this.transport.host, onEvent);
      try {
        const hasCome =
          (await this.follow(await this.post(request, signal), reader, signal)) ||
          // llama-cpp-python's server looks at a request behind the head of its stream: what is wrong it tells only without one.
          (await this.follow(await this.post(request, signal, false), reader, signal));
        if (!hasCome) throw brokenStream(this.transport.host);
        return reader.answer();
      } catch (error) {
        reader.flush();
        throw error;
      }
    };
    return this.withRetries(signal, attempt, onEvent, () => reader.hasBegun);
  }

  /** Resolves with the answer's head. Asks again without a member, or with it in another form, where its name is refused. */
  private async post(
    request: ServerChatRequest,
    signal: AbortSignal | undefined,
    isStream = true,
  ): Promise<ServerResponse> {
    for (;;) {
      const body = chatBody(request, this.refused, isStream);
      const response = await this.transport.post("/chat/completions", body, signal);
      if (response.status < 400) return response;
      const error = await this.failureOf(response, request.model, signal);
      const refused = error.code === "SERVER_REFUSED" ? refusedMember(body, error.what, this.refused) : undefined;
      if (refused === undefined) throw error;
      this.refused.add(refused);
    }
  }

  /** `false`: the answer ended as it should, with nothing in it. */
  private async follow(
    response: ServerResponse,
    reader: AnswerReader,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { host } = this.transport;
    const events = await this.eventsOf(response, signal);
    const ending = new StreamTail(response);
    let isEmpty = true;
    let isDone = false;
    try {
      for await (const event of events) {
        if (isDone) continue;
        isEmpty &&= event.trim() === "";
        if (event.trim() === "[DONE]") {
          reader.finish ??= "stop";
          isDone = true;
          ending.begin(lastMs);
        } else {
          this.read(event, response.url, reader);
          if (reader.finish !== undefined) ending.begin(this.options.tailMs);
        }
      }
    } catch (error) {
      throwIfAborted(signal);
      if (isDone) return true;
      // The answer has come; what is missing is only the end of the stream.
      if (reader.finish === undefined || !(error instanceof ServerFailure)) throw error;
      if (!["broken", "silent"].includes(error.reason) && !ending.isOver) throw error;
    } finally {
      ending.stop();
    }
    if (reader.finish === undefined && !isEmpty) throw brokenStream(host);
    return !isEmpty;
  }

  /** Some servers answer with one JSON although a stream was asked for, and some give a stream another type or none. */
  private async eventsOf(response: ServerResponse, signal: AbortSignal | undefined): Promise<AsyncIterable<string>> {
    const { host } = this.transport;
    const type = response.header("content-type") ?? "";
    const text = textOf(response, this.options.silentMs, signal);
    if (/event-stream/i.test(type)) return eventsIn(text, host);
    const begun = await beginningOf(text);
    if (looksLikeEvents(begun.beginning)) return eventsIn(begun.text, host);
    if (/json/i.test(type) || begun.beginning.startsWith("{")) return wholeOf(begun.text, host);
    await text.return(undefined);
    const isPage = /html/i.test(type) || begun.beginning.startsWith("<");
    throw notAStream(host, `answers with ${shortWords(type, 60) || "something"}`, isPage);
  }

  private read(event: string, url: string, reader: AnswerReader): void {
    if (event.trim() === "") return;
    const error = errorIn(event);
    if (error !== undefined) {
      throw statusError({ status: 0, header: () => undefined, url, body: this.withoutKey(event) });
    }
    reader.push(this.json(event));
  }

  private async failureOf(
    response: ServerResponse,
    model: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ResidentError> {
    // What the server says helps, and is not needed.
    const body = await wholeText(response, mostErrorCharacters, this.options.tailMs, signal).catch(() => "");
    throwIfAborted(signal);
    return statusError({ ...response, body: this.withoutKey(body), model });
  }

  /** A server may repeat the key that it refuses. Errors are shown and logged. */
  private withoutKey(text: string): string {
    const { key = "" } = this.transport.access;
    return key === "" ? text : text.replaceAll(key, "…");
  }

  private json(text: string): unknown {
    try {
      return parseBoundedJson(text);
    } catch (error) {
      const { host } = this.transport;
      if (/^\s*</.test(text)) throw notAStream(host, "", true);
      const what = `${host} sends data that cannot be read`;
      throw new ServerFailure("badData", what, "try again; what came before is kept", { host }, error);
    }
  }

  private async withRetries<T>(
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    onEvent: (event: ServerPiece) => void = () => {},
    hasBegun: () => boolean = () => false,
  ): Promise<T> {
    const { attempts, firstDelayMs, longestDelayMs } = this.options;
    for (let attempt = 1; ; attempt++) {
      throwIfAborted(signal);
      try {
        return await work();
      } catch (error) {
        throwIfAborted(signal);
        if (!(error instanceof ServerFailure) || hasBegun() || attempt >= attempts) throw error;
        if (!error.mayPass && error.reason !== "broken") throw error;
        const ms = error.waitMs ?? firstDelayMs * 2 ** (attempt - 1);
        if (ms > longestDelayMs) throw error;
        onEvent({ type: "waits", reason: error.what, ms });
        await pause(ms, signal);
      }
    }
  }
}

async function* wholeOf(text: AsyncIterable<string>, host: string): AsyncGenerator<string> {
  let whole = "";
  for await (const part of text) {
    whole += part;
    if (whole.length > mostListCharacters) throw notAStream(host, "answers without end", false);
  }
  yield whole;
}
