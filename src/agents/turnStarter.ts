import type { JsonSchema, ToolMode } from "../common/tools";
import { bug } from "../engine/invariant";
import type { Running, SamplingOptions, TurnId } from "../protocol/service";
import { readableThought } from "../text/thinkingMarks";
import type { AgentWorld } from "./agentWorld";
import { thoughtPart } from "./answerStream";
import type { Activity, LiveAgent } from "./liveAgent";
import { RunningAnswer } from "./runningAnswer";
import type { TurnRunner } from "./turnRunner";
import type { TurnStart } from "./turnStart";
import type { Wait } from "./wait";

export interface AnswerOptions {
  readonly sampling?: SamplingOptions | undefined;
  readonly toolMode?: ToolMode | undefined;
  readonly jsonSchema?: JsonSchema | undefined;
}

/** Begins turns: the message goes to the disk while its answer begins. Knows which turns are not over. */
export class TurnStarter {
  private readonly turns = new Set<Promise<void>>();
  private numAnswers = 0;

  constructor(
    private readonly world: AgentWorld,
    private readonly runner: TurnRunner,
  ) {}

  /** Resolves when all turns that have begun are over. */
  async allOver(): Promise<void> {
    await Promise.all(this.turns);
  }

  /**
   * When this resolves the message is on disk; the answer runs in the background, and has since before that. Where the message
   * cannot be saved, this rejects with nothing changed.
   */
  async begin(
    agent: LiveAgent,
    { goesOn, commit, again = false }: TurnStart,
    { sampling = {}, toolMode = "auto", jsonSchema }: AnswerOptions,
    wait: Wait,
  ): Promise<Running> {
    agent.assertIdle();
    const turnId = goesOn === "same" ? (agent.head ?? "") : agent.tree.nextId();
    this.numAnswers += 1;
    const answer = new RunningAnswer(`${agent.id}/${turnId}/${this.numAnswers}`);
    const activity: Activity = { answer, turn: turnId, state: "waiting" };
    const { head = null, headTurns, headTokens, headCalls = 0 } = agent.writer.manifest;
    agent.activity = activity;
    agent.filesReading.end();
    const headBefore = { head, headTurns, headTokens, headCalls };
    await this.world.residency.readAhead.stop(agent);
    await agent.filesCommitted;
    const committed = commit(agent, turnId, this.world.options.wallClockMs()).then(() => {
      this.world.fire({ type: "turnStarted", id: agent.id, turn: turnId });
      this.world.changed(agent);
    });
    // Ends also what waits for the model.
    committed.catch(() => answer.abort());
    const turn = agent.tree.get(turnId);
    if (turn === undefined) {
      agent.activity = undefined;
      await committed;
      throw bug("a turn was not added", { turn: turnId });
    }
    if (goesOn !== "no")
      answer.emit({ type: "continues", text: turn.answerText, ...thoughtPart(readableThought(turn.thought)) });
    const how = { request: sampling, toolMode, ...(jsonSchema === undefined ? {} : { jsonSchema }) };
    const asked = { turn, committed, ...how, wait, again, goesOn: goesOn !== "no" };
    const run = this.runner.run(agent, { ...asked, activity, headBefore });
    const over = committed.then(
      () => run.then(() => this.ended(agent, turnId)),
      () => run.then(() => void this.world.changed(agent)),
    );
    agent.over = over;
    this.turns.add(over);
    void over.finally(() => this.turns.delete(over));
    try {
      await committed;
    } catch (error) {
      await over;
      throw error;
    }
    return answer;
  }

  private ended(agent: LiveAgent, turn: TurnId): void {
    const { residency, locks } = this.world;
    this.world.fire({ type: "turnEnded", id: agent.id, turn });
    this.world.changed(agent);
    locks.look(agent.id);
    if (agent.deleted) return;
    const { end } = agent.turn(turn);
    const answered = end?.state === "done" && end.finishReason !== "aborted";
    void (answered ? residency.settle(agent) : residency.save(agent));
  }
}
