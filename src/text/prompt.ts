/**
 * The contract between conversations and text. A conversation is held as segments: text and the ids that stand for it.
 * Concatenated ids are the token history (the truth that caches are matched against); concatenated texts are the
 * rendering that a new rendering is compared with, so that ids which were read or sampled once are never re-encoded.
 */

import type { Thinking } from "../common/thinking";
import type { ToolSpec } from "../common/tools";
import type { ChatMessage, Segment } from "./messages";
import type { Past } from "./past";
import type { Day } from "./strftime";

export interface BuiltPrompt {
  /** All token ids before the answer. */
  readonly ids: Int32Array;
  /** Number of leading segments of the history that are unchanged. */
  readonly keptSegments: number;
  /** The rest of the prompt: at most one segment that was cut, and at most one new one. */
  readonly added: readonly Segment[];
  /**
   * How many leading ids come from the history. Smaller than the history's length where the rendering departed from it.
   */
  readonly agreedTokens: number;
}

/** The beginning of a prompt whose last message is still being written. */
export interface PromptAhead {
  /** All token ids up to the end of the draft. The last ones may change with the next letter. */
  readonly ids: Int32Array;
  /** The ids that do not depend on the draft. */
  readonly settled: Int32Array;
}

export interface AnswerText {
  /** The sampled ids, including a stop id at the end, if there was one. */
  readonly ids: Int32Array;
  /** All that was said and shown, with the thought: it ends before a stop string, without the stop id's text. */
  readonly text: string;
}

/** What a conversation's prompts say in addition to its messages. */
export interface PromptFrame {
  /** Instructions; empty: none. */
  readonly system: string;
  /** The day for templates that insist on a date: the same one in all prompts, so that they keep their beginning. */
  readonly day?: Day;
  /** Absent: the model's own. */
  readonly thinking?: Thinking;
  /** The tools that the model is told of, in canonical order and form; the same object for the same tools. */
  readonly tools?: readonly ToolSpec[];
}

/** A conversation up to the message that is to be answered or that is being written. */
export interface Dialogue extends PromptFrame {
  readonly past: Past | undefined;
  /** The messages to answer: of the user, or results of the calls before. The last one may still be being written. */
  readonly input: readonly ChatMessage[];
}

/** A frame whose instructions are the first message. */
export type PromptOptions = Omit<PromptFrame, "system">;

/** Long texts are encoded in slices of some milliseconds. Rejects with AbortedError when `signal` is aborted. */
export interface PromptBuilder {
  /**
   * Renders `messages` and the opening of an answer, keeps the ids of the part that agrees with `history`, encodes the
   * rest. Special-token strings inside contents are encoded as plain text. An answer that was cut (length, abort, stop
   * string) is closed with the template's end of turn. Rejects with ResidentError: INVALID_REQUEST when the template
   * refuses the messages, MODEL_UNSUPPORTED when the template itself does not work.
   */
  build(
    messages: readonly ChatMessage[],
    history: readonly Segment[],
    signal?: AbortSignal,
    options?: PromptOptions,
  ): Promise<BuiltPrompt>;
  /** As `build`, for a last message that is still being written and may be empty. */
  ahead(
    messages: readonly ChatMessage[],
    history: readonly Segment[],
    signal?: AbortSignal,
    options?: PromptOptions,
  ): Promise<PromptAhead>;
  /** As `build` with the dialogue's messages and its past's history. Where possible it costs only what is new. */
  buildAfter(dialogue: Dialogue, signal?: AbortSignal): Promise<BuiltPrompt>;
  /** As `ahead`, in the same way. */
  aheadAfter(dialogue: Dialogue, signal?: AbortSignal): Promise<PromptAhead>;
  /** Number of tokens of `text` as a part of a message. */
  countText(text: string, signal?: AbortSignal): Promise<number>;
  /**
   * A prompt without a template. Special-token strings are text; the tokenizer's own leading tokens (BOS) are added.
   */
  raw(text: string, signal?: AbortSignal): Promise<BuiltPrompt>;
  /** The segments of an answer, to append to those of its prompt. They hold the ids whose text was shown. */
  answerSegments(answer: AnswerText): readonly Segment[];
}
