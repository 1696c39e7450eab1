import { throwIfAborted } from "../common/errors";
import type { Generation } from "../engine/generation";
import type { Clock } from "../engine/ports";
import type { CacheRefusal, SamplingOptions } from "../protocol/service";
import type { BuiltPrompt } from "../text/prompt";
import { answerTools } from "../text/tools/modelConstraint";
import { frameOf } from "./agentFrame";
import { storedSampling } from "./agentSampling";
import { type AnswerLimits, answerBudget } from "./answerBudget";
import type { AnswerEngine, Answered, AnswerSink, AskedAnswer } from "./answerEngine";
import { answerGrammar } from "./answerGrammar";
import { finishReasonOf, followAnswer } from "./answerStream";
import { contextFull, noRoomToGoOn } from "./contextFull";
import { decoderBehind } from "./continuing";
import type { LiveAgent } from "./liveAgent";
import type { ModelAccess, ModelSession } from "./ports";
import { resolveSampling, toSamplingParams } from "./sampling";
import type { TurnPrompt } from "./turnRecords";

export interface LocalAnswersOptions {
  readonly models: ModelAccess;
  readonly clock: Clock;
  /** The user's settings for answers at the moment. */
  readonly settings: () => SamplingOptions;
  /** A turn's stored cache was not used, or not all of it. */
  readonly onRefused: (agent: LiveAgent, refused: CacheRefusal) => void;
}

/** Answers with the model in this process: keeps ids, prefixes and caches. */
export class LocalAnswers implements AnswerEngine {
  constructor(private readonly options: LocalAnswersOptions) {}

  async answer(asked: AskedAnswer, sink: AnswerSink): Promise<void> {
    const { agent, signal, wait } = asked;
    const { models } = this.options;
    const { modelDirectory } = agent.writer.manifest;
    wait.beginLease(models, modelDirectory);
    const lease = await models.lease(modelDirectory, signal, (reason) => sink.emit({ type: "waitingModel", reason }));
    try {
      wait.endLease();
      await sink.finish(await this.answerWith(lease.session, asked, sink));
    } finally {
      lease.release();
    }
  }

  private async answerWith(session: ModelSession, asked: AskedAnswer, sink: AnswerSink): Promise<Answered> {
    const { agent, turn, signal, request, toolMode, jsonSchema, wait } = asked;
    const { manifest } = agent.writer;
    const sampling = resolveSampling({
      request,
      agent: storedSampling(manifest),
      settings: this.options.settings(),
      model: session.sampling,
      again: asked.again,
    });
    const { ids, built, answeredTokens } = await promptOf(asked, session);
    const maxTokens = answerBudget(ids.length, sampling.maxTokens, limitsOf(session), manifest.headTokens);
    const prompt = ids.subarray(0, ids.length - answeredTokens);
    const constrained = {
      tools: frameOf(manifest).tools ?? [],
      toolMode,
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
    };
    const held = answerGrammar(session, constrained, prompt);
    // A failed restore may end this first.
    held.catch(() => {});
    const restoreMs = await agent.cache.makeHot(session, ids, agent.saved, {
      signal,
      onRestoring: (tokens) => sink.emit({ type: "restoring", tokens }),
    });
    const { grammar } = await held;
    throwIfAborted(signal);
    const waited = wait.submitted();
    const generation = agent.cache.submit(session, {
      tokens: ids,
      answeredTokens,
      sampling: toSamplingParams(sampling),
      stopIds: session.text.stopIds,
      maxTokens,
      ...(grammar === undefined ? {} : { grammar }),
    });
    const abort = () => generation.abort();
    signal.addEventListener("abort", abort);
    try {
      // The answer runs, and ends at stop strings, during the commit.
      if (built !== undefined) sink.prompt(promptRecord(built));
      const fresh = session.text.startAnswer(sampling.stop ?? [], prompt, answerTools(constrained));
      const decoder = asked.goesOn ? decoderBehind(fresh, turn.answerIds, turn) : fresh;
      const sourceOf = (reusedTokens: number) => ({
        ...waited,
        commitMs: wait.commitMs,
        restoreMs,
        cache: agent.cache.sourceOf(reusedTokens),
      });
      const finished = await followAnswer(generation, decoder, this.options.clock, sourceOf, {
        emit: (event) => sink.emit(event),
        onToken: (id, piece) => sink.add(id, piece),
        mayGoOn: true,
        committed: asked.committed,
      });
      const { result, ...said } = finished;
      const { refused } = finished.figures.cache;
      if (refused !== undefined) this.options.onRefused(agent, refused);
      agent.cache.put(session, result.blocks);
      return { ...said, tokenIds: result.tokenIds, finishReason: finishReasonOf(result, said) };
    } catch (error) {
      await asked.committed.catch(() => keepWhatWasRead(agent, session, generation));
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

/** The message could not be saved: what was read for it stays in the pool, and is not saved. */
async function keepWhatWasRead({ cache, writer }: LiveAgent, session: ModelSession, generation: Generation) {
  generation.abort();
  const { blocks } = await generation.result;
  cache.putAhead(session, blocks, Math.min(writer.manifest.headTokens, blocks.numTokens));
}

/**
 * The tokens to read before the answer. `built` is there where the turn has no prompt yet. Throws CONTEXT_FULL where
 * they do not fit.
 */
async function promptOf(
  { agent: { conversation, writer }, turn, signal, goesOn }: AskedAnswer,
  { text, contextTokens }: ModelSession,
) {
  const { headTokens } = writer.manifest;
  const frame = frameOf(writer.manifest);
  const { prompts } = text;
  if (goesOn) {
    const { ids, built } = await conversation.answered(turn, frame, prompts, signal);
    if (ids.length >= contextTokens) throw noRoomToGoOn(ids.length, contextTokens);
    return { ids, built, answeredTokens: turn.answerIds.length };
  }
  const built = await conversation.prompt(turn, frame, prompts, signal);
  const promptTokens = built.ids.length;
  if (promptTokens < contextTokens) return { ids: built.ids, built, answeredTokens: 0 };
  const newText = turn.input.map(({ content }) => content).join("\n");
  const messageTokens = await prompts.countText(newText, signal);
  const alone = await prompts.buildAfter({ ...frame, past: undefined, input: turn.input }, signal);
  const sizes = { promptTokens, messageTokens, alonePromptTokens: alone.ids.length };
  throw contextFull({ ...sizes, contextTokens, keptTokens: headTokens });
}

function promptRecord({ keptSegments, added, ids }: BuiltPrompt): TurnPrompt {
  return { keep: keptSegments, segments: added, tokens: ids.length };
}

export function limitsOf(session: ModelSession): AnswerLimits {
  const { totalBlocks, blockTokens } = session.engine.pool;
  return { contextTokens: session.contextTokens, poolTokens: totalBlocks * blockTokens };
}
