import type { Disposable } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import type { RoomAnswer, RoomMessageId, RoomUpdate } from "../../protocol/room";
import type { AgentId, ResidentService, Running, TurnView } from "../../protocol/service";
import { pageTurn, runParts, saidIn } from "../pages/pageModel";
import { RunFollower } from "../pages/runFollower";
import type { RoomThread } from "./roomThread";

/** An answer that has ended is its agent's last turn, or the one before if the agent was asked again at once. */
const newestTurns = 2;

export interface RunsPorts {
  readonly door: () => Promise<ResidentService>;
  readonly post: (update: RoomUpdate) => void;
  readonly language: string;
  readonly thread: RoomThread;
}

/** The answers that run: what is new of each is posted, and how it ended is put into its message. */
export class RoomRuns implements Disposable {
  /** By agent: an agent answers one message at a time. */
  private readonly running = new Map<AgentId, RunFollower>();

  constructor(private readonly ports: RunsPorts) {}

  /** Resolves when the answer is in its message. */
  async follow(message: RoomMessageId, agent: AgentId, running: Running): Promise<void> {
    const { post, language, thread } = this.ports;
    // Before anything is awaited: an unhandled rejection would end the process.
    const ended: Promise<unknown> = running.done.then(
      () => undefined,
      (error: unknown) => error,
    );
    const follower = new RunFollower(running, (update) => post({ ...update, message, agent }));
    this.running.get(agent)?.dispose();
    this.running.set(agent, follower);
    const turn = await this.head(agent);
    if (turn) thread.setAnswer(message, agent, { turn: pageTurn(turn, language, follower.state) });
    ended
      .then((failure) => this.end(message, agent, follower, turn, failure))
      .catch((error: unknown) => {
        if (turn) this.setEnd(message, agent, cutOff(turn, follower, error));
      });
  }

  /** The agent's newest turn. */
  async head(agent: AgentId): Promise<TurnView | undefined> {
    const door = await this.ports.door();
    return (await door.getAgent(agent, newestTurns)).turns.at(-1);
  }

  stop(agent: AgentId): void {
    this.running.get(agent)?.running.abort();
  }

  stopAll(): void {
    for (const { running } of this.running.values()) running.abort();
  }

  /** The answer as it is at this moment. */
  current(answer: RoomAnswer): RoomAnswer {
    const follower = this.running.get(answer.agent);
    if (!follower || answer.turn?.state !== "running") return answer;
    return { ...answer, turn: { ...answer.turn, ...runParts(follower.state, answer.turn) } };
  }

  /** Follows no answer any more. */
  dispose(): void {
    for (const follower of this.running.values()) follower.dispose();
    this.running.clear();
  }

  /** `failure` is what the answer was rejected with. */
  private async end(
    message: RoomMessageId,
    agent: AgentId,
    follower: RunFollower,
    turn: TurnView | undefined,
    failure: unknown,
  ): Promise<void> {
    follower.flush();
    follower.dispose();
    if (this.running.get(agent) === follower) this.running.delete(agent);
    const door = await this.ports.door();
    const { turns } = await door.getAgent(agent, newestTurns);
    const finished = turns.find(({ id }) => id === turn?.id);
    if (finished) this.setEnd(message, agent, finished);
    // A message that does not fit the context is no turn of the agent any more.
    else if (turn && failure !== undefined) this.setEnd(message, agent, cutOff(turn, follower, failure));
    else this.ports.thread.finish(message);
  }

  private setEnd(message: RoomMessageId, agent: AgentId, turn: TurnView): void {
    const { thread, language } = this.ports;
    thread.setAnswer(message, agent, { turn: pageTurn(turn, language) });
    thread.finish(message);
  }
}

function cutOff(turn: TurnView, follower: RunFollower, error: unknown): TurnView {
  return { ...turn, ...saidIn(follower.state, turn), state: "failed", error: toErrorInfo(error) };
}
