import { AbortedError, throwIfAborted, toErrorInfo } from "../common/errors";
import type { Generation } from "../engine/generation";
import type { Clock } from "../engine/ports";
import type { CacheRefusal, SamplingOptions } from "../protocol/service";
import type { ManifestChange } from "../store/agentWriter";
import type { BuiltPrompt } from "../text/prompt";
import { frameOf } from "./agentFrame";
import { storedSampling } from "./agentSampling";
import { type AnswerLimits, answerBudget } from "./answerBudget";
import { AnswerRecorder } from "./answerRecorder";
import { followAnswer } from "./answerStream";
import { contextFull, noRoomToGoOn } from "./contextFull";
import { decoderBehind } from "./continuing";
import { HeldBack } from "./heldBack";
import type { Activity, LiveAgent } from "./liveAgent";
import type { ModelAccess, ModelSession } from "./ports";
import { resolveSampling, toSamplingParams } from "./sampling";
import { noFigures, type Turn } from "./turnTree";
import type { Wait } from "./wait";

export interface TurnRunnerOptions {
  readonly models: ModelAccess;
  readonly clock: Clock;
  /** The user's settings for answers at the moment. */
  readonly settings: () => SamplingOptions;
  /** A turn's stored cache was not used, or not all of it. */
  readonly onRefused: (agent: LiveAgent, refused: CacheRefusal) => void;
  /** The agent's state or figures changed. */
  readonly onChange: (agent: LiveAgent) => void;
}

/** An answer to make. */
export interface TurnWork {
  readonly turn: Turn;
  readonly activity: Activity;
  /** Resolves when the message is on disk; rejects where it cannot be: then there is no such turn. */
  readonly committed: Promise<void>;
  readonly request: SamplingOptions;
  /** Since the message came. */
  readonly wait: Wait;
  /** The message has an answer already. */
  readonly again: boolean;
  /** The turn's answer was cut and is continued. */
  readonly goesOn: boolean;
  /** The head before the message. It is restored where the message does not fit the context. */
  readonly headBefore: ManifestChange;
}

/**
 * Answers messages. The model reads a message while it is written to the disk; the answer is shown once it is there. The
 * turn of a committed message gets an end record in every case, and the running answer ends.
 */
export class TurnRunner {
  constructor(private readonly options: TurnRunnerOptions) {}

  /** Resolves when the turn is over, its cache back with the agent; never rejects. */
  async run(agent: LiveAgent, work: TurnWork): Promise<void> {
    const { answer } = work.activity;
    const { models, clock } = this.options;
    const recorder = new AnswerRecorder(work.turn.id, agent.tree, agent.writer, clock);
    try {
      const { modelDirectory } = agent.writer.manifest;
      work.wait.beginLease(models, modelDirectory);
      const lease = await models.lease(modelDirectory, answer.signal, (reason) =>
        answer.emit({ type: "waitingModel", reason }),
      );
      try {
        work.wait.endLease();
        await this.answer(agent, work, recorder, lease.session);
      } finally {
        lease.release();
      }
    } catch (error) {
      await this.endWithout(agent, work, recorder, error);
    }
  }

  private async answer(
    agent: LiveAgent,
    work: TurnWork,
    recorder: AnswerRecorder,
    session: ModelSession,
  ): Promise<void> {
    const { turn, activity, request, wait } = work;
    const { answer } = activity;
    const { manifest } = agent.writer;
    const sampling = resolveSampling({
      request,
      agent: storedSampling(manifest),
      settings: this.options.settings(),
      model: session.sampling,
      again: work.again,
    });
    const { ids, built, answeredTokens } = await promptOf(agent, work, session);
    const maxTokens = answerBudget(ids.length, sampling.maxTokens, limitsOf(session), manifest.headTokens);
    const restoreMs = await agent.cache.makeHot(session, ids, agent.saved, {
      signal: answer.signal,
      onRestoring: (tokens) => {
        this.enter(agent, activity, "restoring");
        answer.emit({ type: "restoring", tokens });
      },
    });
    throwIfAborted(answer.signal);
    const waited = wait.submitted();
    const generation = agent.cache.submit(session, {
      tokens: ids,
      answeredTokens,
      sampling: toSamplingParams(sampling),
      stopIds: session.text.stopIds,
      maxTokens,
    });
    const abort = () => generation.abort();
    answer.signal.addEventListener("abort", abort);
    try {
      // The answer runs, and ends at stop strings, during the commit. It is recorded and shown after the message.
      const held = new HeldBack(work.committed);
      held.do(() => {
        wait.endCommit();
        if (built !== undefined) recorder.record(promptRecord(turn, built));
      });
      const fresh = session.text.startAnswer(sampling.stop ?? [], ids.subarray(0, ids.length - answeredTokens));
      const decoder = work.goesOn ? decoderBehind(fresh, turn.answerIds, turn) : fresh;
      const sourceOf = (reusedTokens: number) => ({
        ...waited,
        commitMs: wait.commitMs,
        restoreMs,
        cache: agent.cache.sourceOf(reusedTokens),
      });
      const finished = await followAnswer(generation, decoder, this.options.clock, sourceOf, {
        emit: (event) =>
          held.do(() => {
            this.enter(agent, activity, stateDuring(event.type));
            answer.emit(event);
          }),
        onToken: (id, piece) => held.do(() => recorder.add(id, piece)),
        mayGoOn: true,
        committed: work.committed,
      });
      const { refused } = finished.figures.cache;
      if (refused !== undefined) this.options.onRefused(agent, refused);
      agent.cache.put(session, finished.result.blocks);
      const { finishReason, tokenIds } = finished.result;
      const end = { state: "done", finishReason, figures: finished.figures } as const;
      await this.finish(agent, recorder, { type: "end", turn: turn.id, ...end });
      agent.activity = undefined;
      const { saveError } = recorder;
      const { text, figures, thought } = finished;
      answer.finish({
        type: "done",
        text,
        ...(thought && { thought }),
        tokenIds,
        finishReason,
        figures,
        ...(saveError && { saveError }),
      });
    } catch (error) {
      await work.committed.catch(() => keepWhatWasRead(agent, session, generation));
      throw error;
    } finally {
      answer.signal.removeEventListener("abort", abort);
    }
  }

  /** Ends the turn after a failure, or after an abort before anything ran. The answer so far is kept. */
  private async endWithout(
    agent: LiveAgent,
    { turn, activity, committed, headBefore }: TurnWork,
    recorder: AnswerRecorder,
    error: unknown,
  ): Promise<void> {
    const { answer } = activity;
    try {
      await committed;
    } catch (reason) {
      // There is no such turn.
      agent.activity = undefined;
      answer.fail(reason);
      return;
    }
    if (error instanceof AbortedError && answer.signal.aborted) {
      // A continued answer keeps the figures that it had before.
      const figures = turn.end?.state === "done" ? turn.end.figures : noFigures;
      const end = { state: "done", finishReason: "aborted", figures } as const;
      await this.finish(agent, recorder, { type: "end", turn: turn.id, ...end });
      agent.activity = undefined;
      answer.finish({ type: "done", text: "", tokenIds: [], finishReason: "aborted", figures: noFigures });
      return;
    }
    const info = toErrorInfo(error);
    const didNotFit = info.code === "CONTEXT_FULL" && agent.turn(turn.id).prompt === undefined;
    const end = { type: "end", turn: turn.id, state: "failed", error: info } as const;
    await this.finish(agent, recorder, end, didNotFit ? headBefore : undefined);
    agent.activity = undefined;
    answer.fail(error);
  }

  private async finish(agent: LiveAgent, recorder: AnswerRecorder, ...end: Parameters<AnswerRecorder["finish"]>) {
    await recorder.finish(...end);
    agent.saveError = recorder.saveError;
  }

  private enter(agent: LiveAgent, activity: Activity, state: Activity["state"]): void {
    if (activity.state === state) return;
    activity.state = state;
    this.options.onChange(agent);
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
async function promptOf(agent: LiveAgent, { turn, activity, goesOn }: TurnWork, { text, contextTokens }: ModelSession) {
  const { conversation, writer } = agent;
  const { headTokens } = writer.manifest;
  const frame = frameOf(writer.manifest);
  const { prompts } = text;
  const { signal } = activity.answer;
  if (goesOn) {
    const { ids, built } = await conversation.answered(turn, frame, prompts, signal);
    if (ids.length >= contextTokens) throw noRoomToGoOn(ids.length, contextTokens);
    return { ids, built, answeredTokens: turn.answerIds.length };
  }
  const built = await conversation.prompt(turn, frame, prompts, signal);
  const promptTokens = built.ids.length;
  if (promptTokens < contextTokens) return { ids: built.ids, built, answeredTokens: 0 };
  const messageTokens = await prompts.countText(turn.user, signal);
  const alone = await prompts.buildAfter({ ...frame, past: undefined, user: turn.user }, signal);
  const sizes = { promptTokens, messageTokens, alonePromptTokens: alone.ids.length };
  throw contextFull({ ...sizes, contextTokens, keptTokens: headTokens });
}

function promptRecord(turn: Turn, built: BuiltPrompt) {
  const { keptSegments, added, ids } = built;
  return {
    type: "prompt",
    turn: turn.id,
    keep: keptSegments,
    segments: added,
    tokens: ids.length,
  } as const;
}

export function limitsOf(session: ModelSession): AnswerLimits {
  const { totalBlocks, blockTokens } = session.engine.pool;
  return { contextTokens: session.contextTokens, poolTokens: totalBlocks * blockTokens };
}

function stateDuring(
  event: "waitingModel" | "queued" | "restoring" | "prefill" | "thinking" | "text",
): Activity["state"] {
  switch (event) {
    case "waitingModel":
    case "queued":
      return "waiting";
    case "restoring":
      return "restoring";
    case "prefill":
      return "reading";
    case "thinking":
    case "text":
      return "answering";
  }
}
