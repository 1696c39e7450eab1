/**
 * The contract between conversations and text. A conversation is held as segments: text and the ids that stand for it.
 * Concatenated ids are the token history (the truth that caches are matched against); concatenated texts are the
 * rendering that a new rendering is compared with, so that ids which were read or sampled once are never re-encoded.
 */

import type { ChatMessage, Segment } from "./messages";
import type { Past } from "./past";

export interface BuiltPrompt {
  /** All token ids before the answer. */
  readonly ids: Int32Array;
  /** How many leading segments of the history stand unchanged. */
  readonly keptSegments: number;
  /** The rest of the prompt: at most one segment that was cut, and at most one new one. */
  readonly added: readonly Segment[];
  /** How many leading ids come from the history. Smaller than the history's length where the rendering departed from it. */
  readonly agreedTokens: number;
}

/** The beginning of a prompt whose last message is still being written. */
export interface PromptAhead {
  /** All token ids up to the end of what is written; the last ones may change with the next letter. */
  readonly ids: Int32Array;
  /** The ids that do not depend on the draft. */
  readonly settled: Int32Array;
}

export interface AnswerText {
  /** What was sampled, a stop id (if there was one) last. */
  readonly ids: Int32Array;
  /** What the person saw: text before a stop string, without the stop id's text. */
  readonly text: string;
}

/** A conversation up to the message that is to be answered or that is being written. */
export interface Dialogue {
  /** Instructions; empty: none. */
  readonly system: string;
  readonly past: Past | undefined;
  readonly user: string;
}

/** Long texts are encoded in slices: nothing else waits for more than some milliseconds. Rejects with AbortedError when `signal` says so. */
export interface PromptBuilder {
  /**
   * Renders `messages` and the opening of an answer, keeps the ids of the part that agrees with `history`, encodes the
   * rest. Special-token strings inside contents are encoded as plain text. An answer that was cut (length, abort, stop
   * string) is closed with the template's end of turn. Rejects with ResidentError: INVALID_REQUEST when the template
   * refuses the messages, MODEL_UNSUPPORTED when the template itself does not work.
   */
  build(messages: readonly ChatMessage[], history: readonly Segment[], signal?: AbortSignal): Promise<BuiltPrompt>;
  /** As `build`, as far as it is known while the last message, which may be empty, is still being written. */
  ahead(messages: readonly ChatMessage[], history: readonly Segment[], signal?: AbortSignal): Promise<PromptAhead>;
  /** As `build` with the dialogue's messages and its past's history; where possible it costs only what is new. */
  buildAfter(dialogue: Dialogue, signal?: AbortSignal): Promise<BuiltPrompt>;
  /** As `ahead`, the same way. */
  aheadAfter(dialogue: Dialogue, signal?: AbortSignal): Promise<PromptAhead>;
  /** Number of tokens of `text` as a part of a message. */
  countText(text: string, signal?: AbortSignal): Promise<number>;
  /** A prompt without a template. Special-token strings are text; the tokenizer's own leading tokens (BOS) are added. */
  raw(text: string, signal?: AbortSignal): Promise<BuiltPrompt>;
  /** The segments to append to those of the prompt after an answer: they hold the ids whose text was shown. */
  answerSegments(answer: AnswerText): readonly Segment[];
}
