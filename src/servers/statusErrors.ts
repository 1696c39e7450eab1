import { boundedJsonIn } from "../common/boundedJson";
import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import { isObject, objectOf } from "../common/json";
import { retryAfterMs } from "../net/waits";
import { contextNumbers, serverContextFull } from "./contextErrors";
import { refusal, ServerFailure, shortWords } from "./serverErrors";

/** An answer of status 400 and above, or an error inside a stream: then status 0. */
export interface BadAnswer {
  readonly status: number;
  /** Header by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly url: string;
  readonly body: string;
  /** The model that was asked for. */
  readonly model?: string | undefined;
}

const { count, duration } = createFormats("en");

/** The error for such an answer. It tells the host, the status and the first words of what the server says. */
export function statusError(answer: BadAnswer): ResidentError {
  const { status, body, model = "" } = answer;
  const { host, origin, pathname } = new URL(answer.url);
  const error = errorIn(body);
  const words = wordsOf(error, body);
  const said = words === "" ? "" : `: ${words}`;
  const facts = { host, status };
  const numbers = contextNumbers(error, words);
  if (numbers !== undefined) return serverContextFull(host, numbers);
  switch (status) {
    case 401:
    case 403:
      return new ResidentError(
        "SERVER_DENIED",
        `${host} wants a key, or another one (${status}${said})`,
        "give its key: Connect to a Server…, or the variable RESIDENT_SERVER_KEY",
        facts,
      );
    case 404:
    case 405:
      if (/model/i.test(words) || objectOf(error)["code"] === "model_not_found") {
        return refusal(`${host} has no model ${model}${said}`, "choose one of the models that it lists", {
          ...facts,
          model,
        });
      }
      return refusal(
        `there is no chat endpoint at ${origin}${pathname} (${status}${said})`,
        "check the address: for most servers it ends in /v1",
        facts,
      );
    case 407:
      return new ServerFailure(
        "proxyLogin",
        `the proxy on the way to ${host} wants a login`,
        "write name and password into the proxy's address: http://NAME:PASSWORD@HOST:PORT",
        facts,
      );
    case 413:
      return refusal(`the request is too large for ${host}${said}`, "rewind, or keep the last turns only", facts);
    case 429:
      if (objectOf(error)["code"] === "insufficient_quota") break;
      return passing("busy", `${host} takes no more requests for now${said}`, answer);
    case 503:
      return passing("unavailable", `${host} is not ready${said}`, answer);
    case 408:
    case 502:
    case 504:
      return passing("unavailable", `${host} could not answer (${status}${said})`, answer);
  }
  // llama-cpp-python answers so where it cannot read the request.
  const isUnreadable = status === 500 && /^\d+ validation errors?:/.test(words);
  if ((status >= 500 && !isUnreadable) || status === 0) {
    const what = status === 0 ? `${host} ended the answer with an error` : `${host} failed (${status})`;
    return new ServerFailure("serverError", what + said, "look at the server's own log, then try again", facts);
  }
  return refusal(`${host} refuses the request (${status})${said}`, adviceFor(words), facts);
}

function passing(reason: "busy" | "unavailable", what: string, { header, status, url }: BadAnswer): ServerFailure {
  const waitMs = retryAfterMs(header("retry-after"));
  const advice = waitMs === undefined ? "try again a little later" : `try again in ${duration(waitMs)}`;
  const facts = { host: new URL(url).host, status };
  return new ServerFailure(reason, what, advice, waitMs === undefined ? facts : { ...facts, retryAfterMs: waitMs });
}

function adviceFor(words: string): string {
  if (/enable-auto-tool-choice/.test(words)) {
    return "start the server with --enable-auto-tool-choice and the --tool-call-parser of its model";
  }
  if (/tools?\b/i.test(words) && /jinja/i.test(words)) return "start the server with --jinja";
  return "change what it names; the server's own log may tell more";
}

/** The `error` of a body, or of one event of a stream; `undefined`: it has none. */
export function errorIn(body: string): unknown {
  const json = boundedJsonIn(body);
  if (!isObject(json)) return undefined;
  const { error, detail, object } = json;
  if (error !== undefined && error !== null) return error;
  if (object === "error" || (typeof json["message"] === "string" && json["choices"] === undefined)) return json;
  return detail;
}

function wordsOf(error: unknown, body: string): string {
  if (typeof error === "string") return shortWords(error);
  const { message, detail } = objectOf(error);
  if (typeof message === "string") return shortWords(message);
  if (error !== undefined) return shortWords(JSON.stringify(detail ?? error));
  // A page of a proxy says nothing in its first words.
  return /^\s*</.test(body) ? "" : shortWords(body);
}

export function notAStream(host: string, what: string, isPage: boolean): ServerFailure {
  return new ServerFailure(
    "notAStream",
    isPage ? `${host} answers with a web page instead of data` : `${host} ${what}`,
    isPage
      ? "check the address, and whether the network or a proxy asks for a login first"
      : "check the address: a server with an OpenAI-compatible chat endpoint is needed",
    { host },
  );
}

export function tooLarge(host: string, what: string, most: number, unit = "characters"): ServerFailure {
  return new ServerFailure(
    "tooLarge",
    `${host} sends ${what} of more than ${count(most)} ${unit}`,
    "look at the server and its model; what came before is kept",
    { host, most },
  );
}
