import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError, toErrorInfo } from "../../common/errors";
import type { Way, WaysState } from "../../protocol/chatActing";
import type { PageTurn, RunProgress, TextDelta } from "../../protocol/page";
import type { AgentDetail, AgentId, ResidentService, TurnId, TurnView } from "../../protocol/service";
import { turnsOf } from "../../protocol/turnSteps";
import { pageTurn } from "../pages/pageModel";
import { RunFollower } from "../pages/runFollower";

export type WaysDoor = Pick<
  ResidentService,
  "getAgent" | "forkAgent" | "regenerate" | "adoptBranch" | "rewindAgent" | "deleteAgent" | "running"
>;

export interface WaysPorts {
  readonly door: WaysDoor;
  readonly language: string;
  /** Follows the calls of one of the answers, so that it can look but change nothing; resolves when its turn is over. */
  readonly follow: (agent: AgentId) => Promise<unknown>;
  /** Another agent, or another number of turns, than before. */
  readonly onState: (state: WaysState | undefined) => void;
  readonly onProgress: (way: number, progress: RunProgress) => void;
  readonly onText: (way: number, delta: TextDelta) => void;
  readonly onError: (error: unknown) => void;
}

interface OneWay {
  /** Absent: the agent itself. */
  readonly fork?: AgentId;
  follower?: RunFollower;
  steps: readonly TurnView[];
  isOver: boolean;
}

/**
 * Several answers to one message at once: the agent itself and forks of it answer in one batch. The person keeps one; the
 * others stay as branches.
 */
export class WaysRun implements Disposable {
  private readonly store = new DisposableStore();
  private readonly ways: OneWay[] = [];
  private closed = false;

  private constructor(
    private readonly agent: AgentId,
    private readonly ports: WaysPorts,
  ) {}

  /** Resolves when all of them are under way. What was begun is taken back where that fails. */
  static async begin(agent: AgentId, turn: TurnId, count: number, ports: WaysPorts): Promise<WaysRun> {
    const { door } = ports;
    const { turns, name } = await door.getAgent(agent);
    const first = turnsOf(turns).find((steps) => steps.some(({ id }) => id === turn))?.[0];
    if (first === undefined)
      throw new InvalidRequestError("this message is not in the conversation any more", "choose another");
    const run = new WaysRun(agent, ports);
    try {
      run.ways.push({ steps: [], isOver: false });
      for (let way = 2; way <= count; way++) {
        const fork = await door.forkAgent(agent, `${name}, way ${way}`, turns.at(-1)?.id, { delegateOf: agent });
        run.ways.push({ fork: fork.id, steps: [], isOver: false });
      }
      await Promise.all(run.ways.map(({ fork = agent }) => door.regenerate(fork, first.id)));
    } catch (error) {
      await run.deleteForks();
      run.dispose();
      throw error;
    }
    for (const way of run.ways) run.play(way).catch((error: unknown) => ports.onError(error));
    await Promise.all(run.ways.map((way) => run.look(way)));
    return run;
  }

  /**
   * The ways of before the program was started anew, as far as their answers came. `undefined`: there are none to choose
   * from any more. Where the conversation went on without a choice, they become branches, as those that are not chosen do.
   */
  static async resume(agent: AgentId, forks: readonly AgentId[], ports: WaysPorts): Promise<WaysRun | undefined> {
    const run = new WaysRun(agent, ports);
    const own: OneWay = { steps: [], isOver: true };
    await run.look(own);
    const left: OneWay[] = [];
    for (const fork of forks) {
      const way: OneWay = { fork, steps: [], isOver: true };
      // One that was deleted meanwhile is no way any more.
      if (await run.look(way).then(() => true, isGone)) left.push(way);
    }
    run.ways.push(own, ...left);
    const [message] = own.steps;
    const isSame = ({ steps }: OneWay) => message !== undefined && steps[0]?.parent === message.parent;
    if (left.length > 0 && left.every(isSame)) return run;
    await run.adopt();
    await run.deleteForks();
    run.dispose();
    return undefined;
  }

  /** The forks that are ways. */
  get forks(): readonly AgentId[] {
    return this.ways.flatMap(({ fork }) => fork ?? []);
  }

  get state(): WaysState {
    return {
      ways: this.ways.flatMap((way) => this.pageWay(way) ?? []),
      isOpen: this.ways.every(({ isOver }) => isOver),
    };
  }

  /** Ends all answers; they stay as far as they came. */
  async stop(): Promise<void> {
    await Promise.all(this.ways.map(async ({ fork = this.agent }) => (await this.ports.door.running(fork))?.abort()));
  }

  /** Makes one of the ways the conversation. Rejects while they are being written. */
  async choose(index: number): Promise<void> {
    const chosen = this.ways[index];
    if (chosen === undefined) throw new InvalidRequestError("there is no such way", "choose one that is shown");
    if (!this.state.isOpen)
      throw new InvalidRequestError("the answers are still being written", "wait for them, or stop them");
    const own = this.ways[0]?.steps.at(-1)?.id;
    await this.adopt(chosen);
    if (chosen.fork === undefined && own !== undefined) await this.ports.door.rewindAgent(this.agent, own);
    await this.deleteForks();
    this.dispose();
    this.ports.onState(undefined);
  }

  dispose(): void {
    this.closed = true;
    this.store.dispose();
    for (const { follower } of this.ways) follower?.dispose();
  }

  /** Follows one way through all its steps. */
  private async play(way: OneWay): Promise<void> {
    const agent = way.fork ?? this.agent;
    const over = this.ports.follow(agent).catch(this.ports.onError);
    let isOver = false;
    void over.then(() => {
      isOver = true;
    });
    for (;;) {
      const running = await this.ports.door.running(agent);
      if (this.closed) return;
      if (running === undefined) {
        if (isOver) break;
        await Promise.race([over, pause()]); // its calls are being run
        continue;
      }
      if (running.id === way.follower?.running.id) {
        await Promise.race([over, pause()]); // it ends at this moment
        continue;
      }
      way.follower?.dispose();
      const index = this.ways.indexOf(way);
      way.follower = new RunFollower(running, (update) => {
        if (update.type === "progress") this.ports.onProgress(index, update.progress);
        else this.ports.onText(index, update.delta);
      });
      await this.look(way);
      this.ports.onState(this.state);
      await running.done.catch(() => {}); // the turn carries its failure
      way.follower.flush();
    }
    way.follower?.dispose();
    delete way.follower;
    await this.look(way);
    way.isOver = true;
    if (!this.closed) this.ports.onState(this.state);
  }

  /** The steps of the turn at its head. */
  private async look(way: OneWay): Promise<void> {
    const detail: AgentDetail = await this.ports.door.getAgent(way.fork ?? this.agent);
    way.steps = turnsOf(detail.turns).at(-1) ?? [];
  }

  private pageWay({ fork, follower, steps }: OneWay): Way | undefined {
    const turns = steps.map((step, index) => {
      const run = index === steps.length - 1 && step.state === "running" ? follower?.state : undefined;
      return pageTurn(step, this.ports.language, run, steps[index - 1]);
    });
    const turn: PageTurn | undefined = turns.at(-1);
    if (turn === undefined) return undefined;
    const earlier = turns.slice(0, -1);
    return { ...(fork === undefined ? {} : { agent: fork }), turn, ...(earlier.length === 0 ? {} : { earlier }) };
  }

  /** Makes branches of the forks' answers. */
  private async adopt(chosen?: OneWay): Promise<void> {
    for (const way of this.ways) {
      if (way.fork === undefined || way.steps.length === 0) continue;
      await this.ports.door.adoptBranch(this.agent, way.fork, { asHead: way === chosen });
    }
  }

  private async deleteForks(): Promise<void> {
    for (const { fork } of this.ways) {
      if (fork !== undefined) await this.ports.door.deleteAgent(fork).catch(this.ports.onError);
    }
  }
}

function isGone(error: unknown): false {
  if (toErrorInfo(error).code === "AGENT_NOT_FOUND") return false;
  throw error;
}

/** Between two looks at whether an agent answers again. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
