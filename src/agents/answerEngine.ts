/** The port between a conversation and what answers it: the model in this process, or a server. */
import type { JsonSchema, ToolMode } from "../common/tools";
import type { TokenId } from "../engine/ports";
import type { GenerationEvent, SamplingOptions } from "../protocol/service";
import type { Manifest } from "../store/manifest";
import type { SaidPiece } from "../text/thinkingSplitter";
import type { LiveAgent } from "./liveAgent";
import type { TurnPrompt } from "./turnRecords";
import type { Turn } from "./turnTree";
import type { Wait } from "./wait";

/** What an engine needs of an agent. */
export type AskedAgent = Pick<LiveAgent, "id" | "conversation" | "frame" | "cache" | "saved"> & {
  readonly writer: { readonly manifest: Manifest };
};

/** An answer to make. */
export interface AskedAnswer {
  readonly agent: AskedAgent;
  readonly turn: Turn;
  /** Aborted when the person stops the answer. */
  readonly signal: AbortSignal;
  /** Resolves when the message is on disk; rejects where it cannot be: then there is no such turn. */
  readonly committed: Promise<void>;
  readonly request: SamplingOptions;
  readonly toolMode: ToolMode;
  /** The answer is JSON that fits it. Absent: it is not asked for. */
  readonly jsonSchema?: JsonSchema;
  /** Since the message came. */
  readonly wait: Wait;
  /** The message has an answer already. */
  readonly again: boolean;
  /** The turn's answer was cut and is continued. */
  readonly goesOn: boolean;
}

/** Where an answer goes while it is made. Nothing of it is recorded or shown before the message is on disk. */
export interface AnswerSink {
  emit(event: ProgressEvent): void;
  /** The prompt that was read. Engines that do not know tokens record none. */
  prompt(prompt: TurnPrompt): void;
  /** A further part of the answer: one sampled id (absent: none belongs to it) and the text that it completed. */
  add(id: TokenId | undefined, piece: SaidPiece): void;
  /** Records how the answer ended and says so. The engine keeps its model until it resolves; it never rejects. */
  finish(answered: Answered): Promise<void>;
}

export type ProgressEvent = Exclude<GenerationEvent, { type: "continues" | "done" | "failed" }>;

/** How an answer ended. That it could not be saved is known only later. */
export type Answered = Omit<Extract<GenerationEvent, { type: "done" }>, "type" | "saveError">;

export interface AnswerEngine {
  /**
   * Answers the turn; the message may still be being written. Resolves once the answer is finished. Rejects with
   * ABORTED where the person stopped it before anything was said, with `committed`'s reason where that rejects, and with a
   * ResidentError otherwise. What it gave to `sink` before that is kept.
   */
  answer(asked: AskedAnswer, sink: AnswerSink): Promise<void>;
}
