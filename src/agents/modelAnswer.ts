import { InvalidRequestError, throwIfAborted, toErrorInfo } from "../common/errors";
import type { Unconstrained } from "../common/tools";
import type { Generation } from "../engine/generation";
import type { Clock, Grammar } from "../engine/ports";
import type { GenerationRequest } from "../engine/request";
import { type AskedConstraint, answerTools } from "../text/tools/modelConstraint";
import { answerBudget } from "./answerBudget";
import { type AnswerListener, type FinishedAnswer, followAnswer, type OuterFigures } from "./answerStream";
import type { AnswerDecoder, ModelSession } from "./ports";
import { type ResolvedSampling, toSamplingParams } from "./sampling";
import type { Wait } from "./wait";
import { withoutCalls } from "./withoutCalls";

export interface AskedOfModel {
  /** The prompt, and behind it what the answer has so far. */
  readonly ids: Int32Array;
  /** Number of ids at the end of `ids` that are the answer's. */
  readonly answeredTokens?: number;
  /** Length of the history, which is kept where nothing fits behind it. */
  readonly keptTokens?: number;
  readonly sampling: ResolvedSampling;
  readonly constrained: AskedConstraint;
  /** Aborted when the person stops the answer. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Since the request came. */
  readonly wait: Wait;
}

/** What the engine is asked for, without what is whose. */
export type EngineRequest = Omit<GenerationRequest, "owner" | "blocks">;

export interface Following {
  /** Hands the request to the engine. */
  readonly submit: (request: EngineRequest) => Generation;
  /** Makes the decoder of a new answer one that goes on with an old one. */
  readonly decoderOf?: (fresh: AnswerDecoder) => AnswerDecoder;
  readonly figures: (reusedTokens: number) => Omit<OuterFigures, "beforeSubmitMs" | "modelMs">;
  readonly listener: AnswerListener;
}

/**
 * One answer of the model in this process, for any caller: what holds it is compiled while its cache is restored, then it is
 * submitted, decoded and followed to its end. Throws CONTEXT_FULL where nothing fits behind the prompt, and INVALID_REQUEST for a
 * constraint that cannot be.
 */
export class ModelAnswer {
  /** The one that was submitted last. */
  generation: Generation | undefined;
  private readonly request: EngineRequest;
  private readonly prompt: Int32Array;
  private readonly held: Promise<Held>;

  constructor(
    private readonly session: ModelSession,
    private readonly asked: AskedOfModel,
  ) {
    const { ids, answeredTokens = 0, keptTokens = 0, sampling, constrained } = asked;
    const { contextTokens, engine, text } = session;
    const poolTokens = engine.pool.totalBlocks * engine.pool.blockTokens;
    this.request = {
      tokens: ids,
      answeredTokens,
      sampling: toSamplingParams(withoutCalls(sampling, constrained, text.callOpenerIds)),
      stopIds: text.stopIds,
      maxTokens: answerBudget(ids.length, sampling.maxTokens, { contextTokens, poolTokens }, keptTokens),
    };
    this.prompt = ids.subarray(0, ids.length - answeredTokens);
    this.held = holding(session, constrained, this.prompt);
    // What is done meanwhile may fail first.
    this.held.catch(() => {});
  }

  /** Rejects as the engine does, with ABORTED, or with INVALID_REQUEST where the constraint cannot be compiled. */
  async follow(following: Following): Promise<FinishedAnswer> {
    const { answeredTokens = 0, constrained, signal } = this.asked;
    const { grammar, unconstrained } = await this.held;
    throwIfAborted(signal);
    if (grammar === undefined) return this.submitted(following, this.request);
    try {
      const answered = await this.submitted(following, { ...this.request, grammar });
      return unconstrained.length === 0 ? answered : { ...answered, unconstrained };
    } catch (error) {
      // The answer was begun with other tools, and is none that these allow: it goes on as it is.
      const isRefused =
        toErrorInfo(error).code === "INVALID_REQUEST" && this.generation?.figures().generatedTokens === 0;
      const mayBeFree = answeredTokens > 0 && constrained.jsonSchema === undefined;
      if (!isRefused || !mayBeFree) throw error;
      throwIfAborted(signal);
      return await this.submitted(following, this.request);
    }
  }

  private async submitted(
    { submit, decoderOf = (fresh) => fresh, figures, listener }: Following,
    request: EngineRequest,
  ): Promise<FinishedAnswer> {
    const { signal, sampling, constrained, clock, wait } = this.asked;
    const waited = wait.submitted();
    const generation = submit(request);
    this.generation = generation;
    const abort = () => generation.abort();
    signal.addEventListener("abort", abort);
    try {
      const fresh = this.session.text.startAnswer(sampling.stop ?? [], this.prompt, answerTools(constrained));
      const figuresOf = (reusedTokens: number) => ({ ...waited, ...figures(reusedTokens) });
      return await followAnswer(generation, decoderOf(fresh), clock, figuresOf, listener);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

interface Held {
  /** Absent: the answer is free. */
  readonly grammar?: Grammar;
  readonly unconstrained: readonly Unconstrained[];
}

/** Of more, nobody reads on. */
const mostUnconstrained = 50;

/**
 * What holds the answer behind `prompt`. Compiling takes some 100 ms for tools that are new; the device keeps what it
 * compiled.
 */
async function holding(
  { text, compileGrammar }: ModelSession,
  asked: AskedConstraint,
  prompt: Int32Array,
): Promise<Held> {
  const constraint = text.constraint(asked, prompt);
  if (constraint === undefined) return { unconstrained: [] };
  const { grammar, unconstrained } = constraint;
  if (compileGrammar !== undefined) {
    return { grammar: await compileGrammar(grammar), unconstrained: unconstrained.slice(0, mostUnconstrained) };
  }
  if (asked.jsonSchema === undefined) return { unconstrained: [] };
  throw new InvalidRequestError("this device cannot hold an answer to a schema", "leave the JSON schema out");
}
