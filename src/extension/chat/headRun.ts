import type { Disposable } from "../../common/disposables";
import type { ErrorInfo } from "../../common/errors";
import type { AgentDetail, Running, TurnId, TurnView } from "../../protocol/service";
import { saidIn } from "../pages/pageModel";
import { RunFollower, type RunState, type RunUpdate } from "../pages/runFollower";

/** Follows the answer of a conversation's head while it runs. */
export class HeadRun implements Disposable {
  private followed: { readonly turn: TurnView; readonly follower: RunFollower } | undefined;
  private closed = false;

  constructor(
    private readonly findRunning: () => Promise<Running | undefined>,
    private readonly deliver: (turn: TurnId, update: RunUpdate) => void,
  ) {}

  /** Brings it to the head of `detail`; an answer that has ended is let go of. */
  async follow({ turns }: Pick<AgentDetail, "turns">): Promise<void> {
    const head = turns.at(-1);
    const running = head?.state === "running" ? await this.findRunning() : undefined;
    if (running && this.followed?.follower.running.id === running.id) return;
    this.release();
    if (!head || !running || this.closed) return;
    const follower = new RunFollower(running, (update) => this.deliver(head.id, update));
    this.followed = { turn: head, follower };
    running.done.catch(() => {}); // the turn carries its failure
  }

  /** What has come of the head's answer so far; absent where it does not run. */
  stateOf({ turns }: Pick<AgentDetail, "turns">): RunState | undefined {
    return this.followed && this.followed.turn.id === turns.at(-1)?.id ? this.followed.follower.state : undefined;
  }

  /** Delivers what waits for the next frame. */
  flush(): void {
    this.followed?.follower.flush();
  }

  /** The engine ended under the answer: the turn as it came to be, with that failure. */
  cutOff(error: ErrorInfo): TurnView | undefined {
    const { followed } = this;
    this.release();
    if (followed === undefined) return undefined;
    const { turn, follower } = followed;
    return { ...turn, ...saidIn(follower.state, turn), state: "failed", error };
  }

  /** Follows nothing until it is brought to a head again. */
  release(): void {
    this.followed?.follower.dispose();
    this.followed = undefined;
  }

  /** For good: a panel may be closed while its head is looked up. */
  dispose(): void {
    this.closed = true;
    this.release();
  }
}
