import { type ErrorInfo, InvalidRequestError, ResidentError, toErrorInfo } from "../common/errors";
import { Emitter } from "../common/events";
import type { Log } from "../common/log";
import type { Clock } from "../engine/ports";
import type {
  AgentDetail,
  AgentId,
  AgentSummary,
  CacheRefusal,
  CreateAgentRequest,
  Running,
  SamplingOptions,
  SendRequest,
  TurnId,
} from "../protocol/service";
import type { AgentStore } from "../store/agentStore";
import type { BlockStore } from "../store/blockStore";
import type { CacheManifest } from "../store/manifest";
import { referencedKeys, removeUnshared } from "../store/references";
import { AgentCache } from "./agentCache";
import { assertNotBlank } from "./answerBudget";
import { countTokens } from "./conversation";
import { type Activity, LiveAgent, treeOf } from "./liveAgent";
import { LiveAgents } from "./liveAgents";
import { LockKeeper } from "./lockKeeper";
import type { ModelAccess } from "./ports";
import { Residency, rankOf } from "./residency";
import { RunningAnswer } from "./runningAnswer";
import { detailOf, type LiveState, summaryOf } from "./summaries";
import { TurnRunner } from "./turnRunner";

export interface AgentsOptions {
  readonly store: AgentStore;
  readonly blocks: BlockStore;
  readonly models: ModelAccess;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  readonly maxAnswerTokens: () => number;
  readonly defaultModel: () => string;
  readonly log: Log;
  /** How long an agent that is idle and not shown keeps its lock. */
  readonly lockGraceMs?: number;
}

const defaultLockGraceMs = 30_000;

const onDiskOnly: LiveState = { state: "idle", hotTokens: 0, lockedElsewhere: false };

export type AgentEvent =
  | { readonly type: "changed"; readonly summary: AgentSummary }
  | { readonly type: "deleted"; readonly id: AgentId }
  | { readonly type: "turnStarted" | "turnEnded"; readonly id: AgentId; readonly turn: TurnId }
  /** A save ended: `bytes` of blocks were written, or not all of it could be. */
  | { readonly type: "saved"; readonly id: AgentId; readonly bytes: number; readonly error?: ErrorInfo }
  | { readonly type: "refused"; readonly id: AgentId; readonly refused: CacheRefusal };

/** All agents of a home: those that this process writes are live, the others are read from disk when asked for. */
export class Agents {
  readonly residency: Residency;
  private readonly emitter: Emitter<AgentEvent>;
  private readonly live: LiveAgents;
  private readonly locks: LockKeeper;
  private readonly runner: TurnRunner;
  private readonly turns = new Set<Promise<void>>();

  constructor(private readonly options: AgentsOptions) {
    const { store, models, clock, log } = options;
    this.emitter = new Emitter((error) => log.log("error", toErrorInfo(error).what));
    this.live = new LiveAgents(
      store,
      (id) => this.newCache(id),
      ({ id }) => this.locks.look(id),
    );
    this.locks = new LockKeeper({
      live: this.live,
      residency: () => this.residency,
      graceMs: options.lockGraceMs ?? defaultLockGraceMs,
      log,
      onLeft: ({ writer }) => this.emitter.fire({ type: "changed", summary: summaryOf(writer.manifest, onDiskOnly) }),
    });
    const onChange = (agent: LiveAgent) => this.changed(agent);
    this.runner = new TurnRunner({
      models,
      clock,
      maxAnswerTokens: options.maxAnswerTokens,
      onRefused: ({ id }, refused) => this.emitter.fire({ type: "refused", id, refused }),
      onChange,
    });
    this.residency = new Residency({
      live: this.live,
      models,
      blocks: options.blocks,
      log,
      onChange,
      onSaved: ({ id, saveError }, bytes) =>
        this.emitter.fire({ type: "saved", id, bytes, ...(saveError && { error: saveError }) }),
    });
  }

  get onEvent() {
    return this.emitter.event;
  }

  async list(): Promise<readonly AgentSummary[]> {
    const { manifests, damaged } = await this.options.store.list();
    for (const id of damaged) this.options.log.log("warn", `agent ${id} cannot be read: its manifest is damaged`);
    return manifests.map(
      (manifest) => this.live.get(manifest.id)?.summary() ?? summaryOf(manifest, this.stateOnDisk(manifest.id)),
    );
  }

  async get(id: AgentId): Promise<AgentDetail> {
    const agent = this.live.get(id);
    if (agent !== undefined) return agent.detail();
    const stored = await this.options.store.read(id);
    return detailOf(stored.manifest, treeOf(stored), this.stateOnDisk(id));
  }

  async find(nameOrId: string): Promise<AgentSummary | undefined> {
    const all = await this.list();
    return all.find((agent) => agent.id === nameOrId) ?? all.find((agent) => agent.name === nameOrId);
  }

  async create({ name, system = "", modelDirectory }: CreateAgentRequest): Promise<AgentSummary> {
    const directory = modelDirectory ?? this.options.defaultModel();
    const { name: modelName, contextTokens } = await this.options.models.describe(directory);
    const wanted = { name: validName(name), system, modelDirectory: directory, modelName, contextTokens };
    const writer = await this.options.store.create(wanted);
    return this.adopt(new LiveAgent(writer, this.newCache(writer.manifest.id), { entries: [] }));
  }

  /** A panel shows the agent, or does so no more. While one does, its lock and its logs stay. */
  setShown(id: AgentId, shown: boolean): void {
    this.locks.setShown(id, shown);
  }

  rename(id: AgentId, name: string): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      await agent.writer.commitOrUndo({ name: validName(name) }, { name: agent.name });
      return this.changed(agent);
    });
  }

  pin(id: AgentId, pinned: boolean): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      await agent.writer.commitOrUndo({ pinned }, { pinned: agent.writer.manifest.pinned === true });
      if (pinned) await this.residency.readAhead.start(agent);
      return this.changed(agent);
    });
  }

  setSystem(id: AgentId, system: string): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.writer.commitOrUndo({ system }, { system: agent.writer.manifest.system });
      return this.changed(agent);
    });
  }

  /** Shares the source's blocks in memory and on disk. The source is only read: another process may be writing it. */
  async fork(id: AgentId, name: string, turn?: TurnId): Promise<AgentSummary> {
    const source = this.live.get(id);
    await source?.writer.commit();
    const stored = await this.options.store.read(id);
    const tree = treeOf(stored);
    // A turn that is being answered belongs to the source alone.
    const running = source?.activity?.turn;
    const head = turn ?? (running === undefined ? tree.readable(stored.manifest.head) : tree.get(running)?.parent);
    if (turn !== undefined && tree.get(turn) === undefined) {
      throw new InvalidRequestError(`${stored.manifest.name} has no turn ${turn}`, "choose one of its turns", { turn });
    }
    const writer = await this.options.store.fork(id, {
      name: validName(name),
      headTokens: countTokens(tree, head),
      headTurns: tree.branch(head).length,
      ...(head === undefined ? {} : { head }),
    });
    const fork = new LiveAgent(writer, this.newCache(writer.manifest.id), stored);
    source?.cache.shareWith(fork.cache, writer.manifest.headTokens);
    return this.adopt(fork);
  }

  /** Moves the head; nothing is removed. */
  rewind(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      if (turn !== undefined) agent.turn(turn);
      const headTokens = countTokens(agent.tree, turn);
      const headTurns = agent.tree.branch(turn).length;
      const { head = null, ...before } = agent.writer.manifest;
      await agent.writer.commitOrUndo(
        { head: turn ?? null, headTokens, headTurns },
        { head, headTokens: before.headTokens, headTurns: before.headTurns },
      );
      await this.residency.readAhead.stop(agent);
      agent.cache.rewind(headTokens);
      return this.changed(agent);
    });
  }

  /** The way on when the context is full: the last `turns` turns as a new branch. What was left stays reachable. */
  startOver(id: AgentId, turns: number): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.startOverWith(turns, this.options.wallClockMs());
      await this.residency.readAhead.stop(agent);
      agent.cache.rewind(0);
      return this.changed(agent);
    });
  }

  /** Stops its answer, then removes it and the block files that no other agent refers to. */
  async delete(id: AgentId): Promise<void> {
    const agent = this.live.get(id);
    if (agent !== undefined) {
      agent.deleted = true;
      agent.activity?.answer.abort();
      await agent.over;
      await this.residency.drop(agent);
    }
    let cache: CacheManifest | undefined;
    try {
      cache = (await this.options.store.read(id)).manifest.cache;
      await this.options.store.remove(id, agent?.writer);
    } catch (error) {
      // It is still there, and goes on as before.
      if (agent !== undefined) agent.deleted = false;
      throw error;
    }
    this.live.forget(id);
    this.emitter.fire({ type: "deleted", id });
    if (cache === undefined) return;
    const { manifests } = await this.options.store.list();
    await removeUnshared(this.options.blocks, cache, manifests);
  }

  /**
   * Read ahead of the branch at the head and of what is written of the next message. Resolves when it is hot or something
   * more important came.
   */
  warm(id: AgentId, draft?: string): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      await this.residency.readAhead.start(agent, draft);
      return agent.summary();
    });
  }

  save(id: AgentId): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      // `done` may resolve before the turn's clean-up has finished.
      if (agent.activity === undefined) await agent.over;
      await this.residency.save(agent);
      if (agent.saveError !== undefined) throw ResidentError.fromInfo(agent.saveError);
      return agent.summary();
    });
  }

  async send(id: AgentId, { text, sampling }: SendRequest): Promise<Running> {
    assertNotBlank(text);
    return this.live.use(id, (agent) => this.begin(agent, agent.head, text, sampling));
  }

  regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running> {
    return this.live.use(id, (agent) => {
      const again = turn ?? agent.head;
      if (again === undefined) throw new InvalidRequestError(`${agent.name} has no turn yet`, "send a message first");
      const { parent, user } = agent.turn(again);
      return this.begin(agent, parent, user, sampling);
    });
  }

  /** Keys of the blocks on which agents in memory rely: not to be evicted from disk. */
  neededKeys(): ReadonlySet<string> {
    const hot = this.live.all().filter((agent) => agent.cache.holdsBlocks || agent.activity !== undefined);
    return referencedKeys(hot.map((agent) => agent.writer.manifest));
  }

  running(id: AgentId): Running | undefined {
    return this.live.get(id)?.activity?.answer;
  }

  /** Stops answers, saves what is unsaved, gives every lock up. */
  async close(): Promise<void> {
    this.locks.dispose();
    for (const agent of this.live.all()) agent.activity?.answer.abort();
    await Promise.all(this.turns);
    for (const agent of this.live.all()) {
      await this.residency.evict(agent);
      await agent.writer.close();
      this.live.forget(agent.id);
    }
  }

  /** The message is on disk when this resolves; the answer goes on by itself. */
  private async begin(
    agent: LiveAgent,
    parent: TurnId | undefined,
    user: string,
    sampling: SamplingOptions | undefined,
  ): Promise<Running> {
    agent.assertIdle();
    const turnId = agent.tree.nextId();
    const answer = new RunningAnswer(`${agent.id}/${turnId}`);
    const activity: Activity = { answer, turn: turnId, state: "waiting" };
    agent.activity = activity;
    try {
      await this.residency.readAhead.stop(agent);
      await agent.addTurn(turnId, parent, user, this.options.wallClockMs());
    } catch (error) {
      agent.activity = undefined;
      throw error;
    }
    this.emitter.fire({ type: "turnStarted", id: agent.id, turn: turnId });
    this.changed(agent);
    agent.over = this.runner.run(agent, agent.turn(turnId), activity, sampling).then(() => this.ended(agent, turnId));
    const over = agent.over;
    this.turns.add(over);
    void over.finally(() => this.turns.delete(over));
    return answer;
  }

  private ended(agent: LiveAgent, turn: TurnId): void {
    this.emitter.fire({ type: "turnEnded", id: agent.id, turn });
    this.changed(agent);
    this.locks.look(agent.id);
    if (agent.deleted) return;
    const { end } = agent.turn(turn);
    const answered = end?.state === "done" && end.finishReason !== "aborted";
    void (answered ? this.residency.settle(agent) : this.residency.save(agent));
  }

  private adopt(agent: LiveAgent): AgentSummary {
    this.live.adopt(agent);
    return this.changed(agent);
  }

  private changed(agent: LiveAgent): AgentSummary {
    const summary = agent.summary();
    if (!agent.deleted) this.emitter.fire({ type: "changed", summary });
    return summary;
  }

  private newCache(id: AgentId): AgentCache {
    const agent = () => this.live.get(id);
    return new AgentCache(id, this.options.blocks, this.options.clock, {
      rank: () => {
        const live = agent();
        return live === undefined ? 0 : rankOf(live);
      },
      save: async () => {
        const live = agent();
        if (live !== undefined) await this.residency.save(live);
      },
      onDropped: () => {
        const live = agent();
        if (live === undefined) return;
        this.options.log.log("info", `${live.name} leaves memory: others need its blocks`);
        this.changed(live);
      },
    });
  }

  private stateOnDisk(id: AgentId): LiveState {
    return { state: "idle", hotTokens: 0, lockedElsewhere: this.options.store.isLockedElsewhere(id) };
  }
}

function validName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === "") throw new InvalidRequestError("an agent needs a name", "give it one");
  return trimmed;
}
