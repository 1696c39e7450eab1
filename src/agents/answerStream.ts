import type { DroppedCall, ToolCall } from "../common/tools";
import type { AgentBlocks } from "../engine/agentBlocks";
import type { Generation, GenerationFigures } from "../engine/generation";
import type { Clock, TokenId } from "../engine/ports";
import type { CacheSource, GenerationEvent, TurnFigures } from "../protocol/service";
import type { SaidPiece } from "../text/thinkingSplitter";
import type { Answered } from "./answerEngine";
import type { AnswerDecoder } from "./ports";
import { ThinkingTime } from "./thinkingTime";

/** Figures of a turn that the engine does not know. */
export interface OuterFigures {
  readonly restoreMs: number;
  readonly cache: CacheSource;
  /** From the message's arrival to the submit. */
  readonly beforeSubmitMs: number;
  /** From the message's arrival until it was on disk, where it is saved: nothing of the answer is shown before. */
  readonly commitMs?: number;
  /** The part of it that was spent waiting for the model; absent where the model was loaded. */
  readonly modelMs?: number;
}

export interface FinishedAnswer extends Answered {
  /** The cache of everything that was read and said. */
  readonly blocks: AgentBlocks;
}

export interface AnswerListener {
  emit(event: Exclude<GenerationEvent, { type: "continues" | "done" | "failed" }>): void;
  /**
   * One sampled id and the text that it completed, which may be empty; at the end the text that was held back, without
   * an id.
   */
  onToken?(id: TokenId | undefined, piece: SaidPiece): void;
  /** The answer may be continued: a character that the cut left incomplete is not shown as U+FFFD. */
  readonly mayGoOn?: boolean;
  /** The answer does not end before this has resolved; it rejects as this does. */
  readonly committed?: Promise<void>;
}

/**
 * Follows a generation to its end: decodes its tokens, ends it at stop strings, and calls the listener. Rejects with
 * the engine's error.
 */
export async function followAnswer(
  generation: Generation,
  decoder: AnswerDecoder,
  clock: Clock,
  outerFigures: (reusedTokens: number) => OuterFigures,
  listener: AnswerListener,
): Promise<FinishedAnswer> {
  let text = "";
  let thought = "";
  const calls: ToolCall[] = [];
  let dropped: DroppedCall | undefined;
  let stopped = false;
  let prefillStartedMs: number | undefined;
  const thinking = new ThinkingTime(clock);
  const figuresOf = (figures: GenerationFigures) => withThinking(turnFigures(figures, outerFigures), thinking);
  const figuresNow = () => figuresOf(generation.figures());
  const show = (id: TokenId | undefined, piece: SaidPiece) => {
    text += piece.text;
    thought += piece.thought;
    thinking.add(id, piece);
    listener.onToken?.(id, piece);
    if (piece.thought !== "") listener.emit({ type: "thinking", text: piece.thought, figures: figuresNow() });
    if (piece.text !== "") listener.emit({ type: "text", text: piece.text, figures: figuresNow() });
    for (const call of piece.calls ?? []) {
      calls.push(call);
      listener.emit({ type: "call", call, figures: figuresNow() });
    }
    if (piece.dropped === undefined) return;
    dropped = piece.dropped;
    listener.emit({ type: "dropped", dropped });
  };
  const subscription = generation.onEvent((event) => {
    if (event.type === "queued") {
      listener.emit({ type: "queued", neededBlocks: event.neededBlocks, turnsAhead: event.requestsAhead });
    } else if (event.type === "prefill") {
      prefillStartedMs ??= clock.nowMs();
      const { done, total, reused } = event;
      const tokensPerSecond = rate(done, clock.nowMs() - prefillStartedMs);
      listener.emit({ type: "prefill", done, total, reused, tokensPerSecond });
    } else if (event.type === "token" && !stopped) {
      const step = decoder.push(event.id);
      stopped = step.stopped;
      if (stopped) generation.stop(event.index + 1);
      show(event.id, step);
    }
  });
  try {
    const result = await generation.result;
    await listener.committed;
    const isCut = result.finishReason !== "stop";
    if (!stopped) show(undefined, decoder.finish(isCut, isCut && listener.mayGoOn === true));
    const called = { ...(calls.length === 0 ? {} : { calls }), ...(dropped === undefined ? {} : { dropped }) };
    const { blocks, tokenIds, finishReason } = result;
    // An answer that ended by itself and called tools waits for their results.
    const ended = finishReason === "stop" && calls.length > 0 ? "calls" : finishReason;
    const figures = figuresOf(result.figures);
    return { blocks, text, ...thoughtPart(thought), ...called, tokenIds, finishReason: ended, figures };
  } finally {
    subscription.dispose();
  }
}

function withThinking(figures: TurnFigures, { measured }: ThinkingTime): TurnFigures {
  return measured === undefined ? figures : { ...figures, thinking: measured };
}

export function thoughtPart(thought: string): { readonly thought?: string } {
  const trimmed = thought.trim();
  return trimmed === "" ? {} : { thought: trimmed };
}

function rate(tokens: number, ms: number): number {
  return ms > 0 ? (tokens * 1000) / ms : 0;
}

function turnFigures(figures: GenerationFigures, outerFigures: (reusedTokens: number) => OuterFigures): TurnFigures {
  const { promptTokens, reusedTokens, prefilledTokens, generatedTokens, guessedTokens, recomputedTokens } = figures;
  const { ttftMs, decodeTokensPerSecond } = figures;
  const { restoreMs, cache, beforeSubmitMs, commitMs = 0, modelMs } = outerFigures(reusedTokens);
  return {
    promptTokens,
    reusedTokens,
    prefilledTokens,
    generatedTokens,
    ...(guessedTokens > 0 ? { guessedTokens } : {}),
    ...(recomputedTokens > 0 ? { recomputedTokens } : {}),
    ttftMs,
    restoreMs,
    ...(generatedTokens > 0 ? { waitMs: Math.max(beforeSubmitMs + ttftMs, commitMs) } : {}),
    ...(modelMs === undefined ? {} : { modelMs }),
    decodeTokensPerSecond,
    cache,
  };
}
