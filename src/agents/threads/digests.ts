/**
 * Names of messages by their content: equal for what means the same to a model, whatever program sends it. SHA-256 over
 * texts with their lengths; long texts in pieces, so that nothing keeps the event loop.
 */
import { createHash, type Hash } from "node:crypto";
import { InvalidRequestError } from "../../common/errors";
import type { AnswerMessage, ChatMessage } from "../../common/messages";
import type { ToolCall, ToolSpec } from "../../common/tools";
import { runAtOnce, type Steps } from "../../text/steps";
import type { Asked } from "./asked";

/** Hex, 64 characters. */
export type Digest = string;

/** Characters that are hashed before other work may run. */
const pieceLength = 256 * 1024;

/** JSON with the keys of all objects in order: the same for the same value. INVALID_REQUEST: it is no data. */
function canonicalJson(value: unknown): string {
  try {
    return JSON.stringify(value, withSortedKeys) ?? "";
  } catch {
    // It contains itself, is nested too deeply, or holds what JSON does not have.
    const what = "a call has arguments that JSON cannot hold";
    throw new InvalidRequestError(what, "send the arguments of calls as plain data");
  }
}

function withSortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

export function digestOf(...texts: readonly string[]): Digest {
  return runAtOnce(digestSteps(texts));
}

function* digestSteps(texts: Iterable<string>): Steps<Digest> {
  const hash = createHash("sha256");
  for (const text of texts) yield* addText(hash, text);
  return hash.digest("hex");
}

/** UTF-16, so that a piece may end inside a character. */
function* addText(hash: Hash, text: string): Steps<void> {
  hash.update(`${text.length}:`);
  for (let at = 0; at < text.length; at += pieceLength) {
    hash.update(text.slice(at, at + pieceLength), "utf16le");
    if (text.length > pieceLength) yield;
  }
}

export function toolsDigest(tools: readonly ToolSpec[]): Digest {
  return digestOf(...tools.map(canonicalJson));
}

/** The digests of a request, in the order of its messages. */
export interface AskedDigests {
  readonly past: readonly { readonly input: Digest; readonly answer: Digest }[];
  readonly input: Digest;
}

export function* askedDigests({ past, input }: Asked): Steps<AskedDigests> {
  const steps: { readonly input: Digest; readonly answer: Digest }[] = [];
  let calls: readonly ToolCall[] = [];
  for (const step of past) {
    steps.push({ input: yield* inputDigest(step.input, calls), answer: yield* digestSteps(answerTexts(step.answer)) });
    calls = step.answer.calls ?? [];
    yield;
  }
  return { past: steps, input: yield* inputDigest(input, calls) };
}

/** `calls`: those of the answer before. A result counts by the place of its call, not by the call's id. */
function* inputDigest(input: readonly ChatMessage[], calls: readonly ToolCall[]): Steps<Digest> {
  const texts: string[] = [];
  for (const message of input) {
    texts.push(message.role, message.content);
    if (message.role !== "tool") continue;
    texts.push(String(calls.findIndex(({ id }) => id === message.call)), message.failed === true ? "failed" : "");
  }
  return yield* digestSteps(texts);
}

export function answerDigest(answer: AnswerMessage): Digest {
  return runAtOnce(digestSteps(answerTexts(answer)));
}

/** Programs trim answers. Thoughts and the raw text do not come back. */
function* answerTexts({ content, calls = [] }: AnswerMessage): Generator<string> {
  yield content.trim();
  for (const { name, arguments: given } of calls) {
    yield name;
    yield canonicalJson(given);
  }
}
