import { AbortedError, toErrorInfo } from "../common/errors";
import type { Clock } from "../engine/ports";
import type { ManifestChange } from "../store/agentWriter";
import type { AnswerEngine, AnswerSink, AskedAnswer, ProgressEvent } from "./answerEngine";
import { AnswerRecorder } from "./answerRecorder";
import { HeldBack } from "./heldBack";
import type { Activity, LiveAgent } from "./liveAgent";
import { noFigures } from "./turnTree";

export interface TurnRunnerOptions {
  readonly clock: Clock;
  /** What answers this agent's messages. */
  readonly engineOf: (agent: LiveAgent) => AnswerEngine;
  /** The agent's state or figures changed. */
  readonly onChange: (agent: LiveAgent) => void;
}

export interface TurnWork extends Omit<AskedAnswer, "agent" | "signal"> {
  readonly activity: Activity;
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
  async run(agent: LiveAgent, { activity, headBefore, ...asked }: TurnWork): Promise<void> {
    const { turn } = asked;
    const { answer } = activity;
    const recorder = new AnswerRecorder(turn.id, agent.tree, agent.writer, this.options.clock);
    const work = { ...asked, activity, headBefore };
    try {
      const engine = this.options.engineOf(agent);
      await engine.answer({ ...asked, agent, signal: answer.signal }, this.sinkOf(agent, work, recorder));
    } catch (error) {
      await this.endWithout(agent, work, recorder, error);
    }
  }

  /** What is said is recorded and shown after the message; that it waits or is restored is shown at once. */
  private sinkOf(
    agent: LiveAgent,
    { turn, activity, committed, wait }: TurnWork,
    recorder: AnswerRecorder,
  ): AnswerSink {
    const held = new HeldBack(committed);
    held.do(() => wait.endCommit());
    const show = (event: ProgressEvent) => {
      this.enter(agent, activity, stateDuring(event.type));
      activity.answer.emit(event);
    };
    return {
      emit: (event) => {
        if (event.type === "waitingModel" || event.type === "restoring") show(event);
        else held.do(() => show(event));
      },
      prompt: (prompt) => held.do(() => recorder.record({ type: "prompt", turn: turn.id, ...prompt })),
      add: (id, piece) => held.do(() => recorder.add(id, piece)),
      finish: async (answered) => {
        const { finishReason, figures } = answered;
        await this.finish(agent, recorder, { type: "end", turn: turn.id, state: "done", finishReason, figures });
        agent.activity = undefined;
        const { saveError } = recorder;
        activity.answer.finish({ type: "done", ...answered, ...(saveError && { saveError }) });
      },
    };
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

function stateDuring(event: ProgressEvent["type"]): Activity["state"] {
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
    case "call":
    case "dropped":
      return "answering";
  }
}
