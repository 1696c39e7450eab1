import { AbortedError, throwIfAborted, toErrorInfo } from "../common/errors";
import type { Clock } from "../engine/ports";
import type { CacheRefusal, SamplingOptions } from "../protocol/service";
import type { BuiltPrompt } from "../text/prompt";
import { storedSampling } from "./agentSampling";
import { type AnswerLimits, answerBudget } from "./answerBudget";
import { AnswerRecorder } from "./answerRecorder";
import { followAnswer } from "./answerStream";
import type { Activity, LiveAgent } from "./liveAgent";
import type { ModelAccess, ModelSession } from "./ports";
import { resolveSampling, toSamplingParams } from "./sampling";
import { noFigures, type Turn } from "./turnTree";

export interface TurnRunnerOptions {
  readonly models: ModelAccess;
  readonly clock: Clock;
  /** What the user's settings say of answers at the moment. */
  readonly settings: () => SamplingOptions;
  /** A turn's stored cache was not used, or not all of it. */
  readonly onRefused: (agent: LiveAgent, refused: CacheRefusal) => void;
  /** The agent's state or figures changed. */
  readonly onChange: (agent: LiveAgent) => void;
}

/** Answers committed messages. Whatever happens, the turn ends with a record of it and the running answer is told. */
export class TurnRunner {
  constructor(private readonly options: TurnRunnerOptions) {}

  /** Resolves when the turn is over, its cache back with the agent; never rejects. */
  async run(agent: LiveAgent, turn: Turn, activity: Activity, request: SamplingOptions = {}): Promise<void> {
    const { answer } = activity;
    const recorder = new AnswerRecorder(turn.id, agent.tree, agent.writer, this.options.clock);
    try {
      const lease = await this.options.models.lease(agent.writer.manifest.modelDirectory, answer.signal, (reason) =>
        answer.emit({ type: "waitingModel", reason }),
      );
      try {
        await this.answer(agent, turn, activity, recorder, lease.session, request);
      } finally {
        lease.release();
      }
    } catch (error) {
      await this.endWithout(agent, turn, activity, recorder, error);
    }
  }

  private async answer(
    agent: LiveAgent,
    turn: Turn,
    activity: Activity,
    recorder: AnswerRecorder,
    session: ModelSession,
    request: SamplingOptions,
  ): Promise<void> {
    const { answer } = activity;
    const { manifest } = agent.writer;
    const sampling = resolveSampling({
      request,
      agent: storedSampling(manifest),
      settings: this.options.settings(),
      model: session.sampling,
    });
    const built = await agent.conversation.prompt(turn, manifest.system, session.text.prompts, answer.signal);
    const maxTokens = answerBudget(built.ids.length, sampling.maxTokens, limitsOf(session), manifest.headTokens);
    const restoreMs = await agent.cache.makeHot(session, built.ids, agent.saved, {
      signal: answer.signal,
      onRestoring: (tokens) => {
        this.enter(agent, activity, "restoring");
        answer.emit({ type: "restoring", tokens });
      },
    });
    throwIfAborted(answer.signal);
    recorder.record(promptRecord(turn, built));
    const generation = agent.cache.submit(session, {
      tokens: built.ids,
      sampling: toSamplingParams(sampling),
      stopIds: session.text.stopIds,
      maxTokens,
    });
    const abort = () => generation.abort();
    answer.signal.addEventListener("abort", abort);
    try {
      const decoder = session.text.startAnswer(sampling.stop ?? []);
      const sourceOf = (reusedTokens: number) => ({ restoreMs, cache: agent.cache.sourceOf(reusedTokens) });
      const finished = await followAnswer(generation, decoder, this.options.clock, sourceOf, {
        emit: (event) => {
          this.enter(agent, activity, stateDuring(event.type));
          answer.emit(event);
        },
        onToken: (id, text) => recorder.add(id, text),
      });
      const { refused } = finished.figures.cache;
      if (refused !== undefined) this.options.onRefused(agent, refused);
      agent.cache.put(session, finished.result.blocks);
      const { finishReason, tokenIds } = finished.result;
      const end = { state: "done", finishReason, figures: finished.figures } as const;
      await this.finish(agent, recorder, { type: "end", turn: turn.id, ...end });
      agent.activity = undefined;
      const { saveError } = recorder;
      const { text, figures } = finished;
      answer.finish({ type: "done", text, tokenIds, finishReason, figures, ...(saveError && { saveError }) });
    } finally {
      answer.signal.removeEventListener("abort", abort);
    }
  }

  /** The turn ended by a failure, or by an abort before anything ran. What was said until then stays. */
  private async endWithout(
    agent: LiveAgent,
    turn: Turn,
    activity: Activity,
    recorder: AnswerRecorder,
    error: unknown,
  ): Promise<void> {
    const { answer } = activity;
    if (error instanceof AbortedError && answer.signal.aborted) {
      const end = { state: "done", finishReason: "aborted", figures: noFigures } as const;
      await this.finish(agent, recorder, { type: "end", turn: turn.id, ...end });
      agent.activity = undefined;
      answer.finish({ type: "done", text: "", tokenIds: [], finishReason: "aborted", figures: noFigures });
      return;
    }
    await this.finish(agent, recorder, { type: "end", turn: turn.id, state: "failed", error: toErrorInfo(error) });
    agent.activity = undefined;
    answer.fail(error);
  }

  private async finish(agent: LiveAgent, recorder: AnswerRecorder, end: Parameters<AnswerRecorder["finish"]>[0]) {
    await recorder.finish(end);
    agent.saveError = recorder.saveError;
  }

  private enter(agent: LiveAgent, activity: Activity, state: Activity["state"]): void {
    if (activity.state === state) return;
    activity.state = state;
    this.options.onChange(agent);
  }
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

function stateDuring(event: "waitingModel" | "queued" | "restoring" | "prefill" | "text"): Activity["state"] {
  switch (event) {
    case "waitingModel":
    case "queued":
      return "waiting";
    case "restoring":
      return "restoring";
    case "prefill":
      return "reading";
    case "text":
      return "answering";
  }
}
