import type { Generation } from "../engine/generation";
import type { Clock } from "../engine/ports";
import type { CacheRefusal, SamplingOptions } from "../protocol/service";
import { allInWords } from "../text/attachedText";
import type { BuiltPrompt } from "../text/prompt";
import { storedSampling } from "./agentSampling";
import type { AnswerEngine, Answered, AnswerSink, AskedAgent, AskedAnswer } from "./answerEngine";
import { contextFull, noRoomToGoOn } from "./contextFull";
import { decoderBehind } from "./continuing";
import { ModelAnswer } from "./modelAnswer";
import type { ModelAccess, ModelSession } from "./ports";
import { resolveSampling } from "./sampling";
import type { TurnPrompt } from "./turnRecords";

export interface LocalAnswersOptions {
  readonly models: ModelAccess;
  readonly clock: Clock;
  /** The user's settings for answers at the moment. */
  readonly settings: () => SamplingOptions;
  /** A turn's stored cache was not used, or not all of it. */
  readonly onRefused: (agent: AskedAgent, refused: CacheRefusal) => void;
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
      await sink.finish(await this.answerIn(lease.session, asked, sink));
    } finally {
      lease.release();
    }
  }

  /** Answers with the model that the caller has leased. The sink is not told of the end. */
  async answerIn(session: ModelSession, asked: AskedAnswer, sink: Omit<AnswerSink, "finish">): Promise<Answered> {
    const { agent, turn, signal, request, toolMode, jsonSchema, wait } = asked;
    const { manifest } = agent.writer;
    const { clock } = this.options;
    const sampling = resolveSampling({
      request,
      agent: storedSampling(manifest),
      settings: this.options.settings(),
      model: session.sampling,
      again: asked.again,
    });
    const { ids, built, answeredTokens } = await promptOf(asked, session);
    const answer = new ModelAnswer(session, {
      ...{ ids, answeredTokens, keptTokens: manifest.headTokens, sampling, signal, clock, wait },
      constrained: {
        ...{ tools: agent.frame.tools ?? [], toolMode },
        ...(jsonSchema === undefined ? {} : { jsonSchema }),
      },
    });
    const restoreMs = await agent.cache.makeHot(session, ids, agent.saved, {
      signal,
      onRestoring: (tokens) => sink.emit({ type: "restoring", tokens }),
    });
    try {
      const { blocks, ...answered } = await answer.follow({
        submit: (request) => {
          const generation = agent.cache.submit(session, request);
          // The answer runs, and ends at stop strings, during the commit.
          if (built !== undefined && answer.generation === undefined) sink.prompt(promptRecord(built));
          return generation;
        },
        decoderOf: (fresh) => (asked.goesOn ? decoderBehind(fresh, turn.answerIds, turn) : fresh),
        figures: (reusedTokens) => ({
          ...{ restoreMs, commitMs: wait.commitMs },
          cache: agent.cache.sourceOf(reusedTokens),
        }),
        listener: {
          emit: (event) => sink.emit(event),
          onToken: (id, piece) => sink.add(id, piece),
          mayGoOn: true,
          committed: asked.committed,
        },
      });
      const { refused } = answered.figures.cache;
      if (refused !== undefined) this.options.onRefused(agent, refused);
      agent.cache.put(session, blocks);
      return answered;
    } catch (error) {
      const { generation } = answer;
      if (generation !== undefined) await asked.committed.catch(() => keepWhatWasRead(agent, session, generation));
      throw error;
    }
  }
}

/** The message could not be saved: what was read for it stays in the pool, and is not saved. */
async function keepWhatWasRead({ cache, writer }: AskedAgent, session: ModelSession, generation: Generation) {
  generation.abort();
  const { blocks } = await generation.result;
  cache.putAhead(session, blocks, Math.min(writer.manifest.headTokens, blocks.numTokens));
}

/**
 * The tokens to read before the answer. `built` is there where the turn has no prompt yet. Throws CONTEXT_FULL where
 * they do not fit.
 */
async function promptOf(
  { agent: { conversation, frame, writer }, turn, signal, goesOn }: AskedAnswer,
  { text, contextTokens }: ModelSession,
) {
  const { headTokens } = writer.manifest;
  const { prompts } = text;
  if (goesOn) {
    const { ids, built } = await conversation.answered(turn, frame, prompts, signal);
    if (ids.length >= contextTokens) throw noRoomToGoOn(ids.length, contextTokens);
    return { ids, built, answeredTokens: turn.answerIds.length };
  }
  const built = await conversation.prompt(turn, frame, prompts, signal);
  const promptTokens = built.ids.length;
  if (promptTokens < contextTokens) return { ids: built.ids, built, answeredTokens: 0 };
  const input = allInWords(turn.input);
  const newText = input.map(({ content }) => content).join("\n");
  const messageTokens = await prompts.countText(newText, signal);
  const alone = await prompts.buildAfter({ ...frame, past: undefined, input }, signal);
  const sizes = { promptTokens, messageTokens, alonePromptTokens: alone.ids.length };
  throw contextFull({ ...sizes, contextTokens, keptTokens: headTokens });
}

function promptRecord({ keptSegments, added, ids }: BuiltPrompt): TurnPrompt {
  return { keep: keptSegments, segments: added, tokens: ids.length };
}
