import type { Attachment, PinnedFile } from "../common/attachments";
import { type ErrorInfo, InvalidRequestError, ResidentError, toErrorInfo } from "../common/errors";
import { Emitter } from "../common/events";
import type { Log } from "../common/log";
import type { Thinking } from "../common/thinking";
import type { JsonSchema, ToolMode, ToolResult, ToolSpec } from "../common/tools";
import { bug } from "../engine/invariant";
import type { Clock } from "../engine/ports";
import type {
  AdoptOptions,
  AgentDetail,
  AgentId,
  AgentRepair,
  AgentSampling,
  AgentServer,
  AgentSummary,
  CacheRefusal,
  CompactOptions,
  ConversationSize,
  CreateAgentRequest,
  DraftSize,
  ForkOptions,
  Progress,
  ResultsRequest,
  Running,
  SamplingOptions,
  SendRequest,
  ToldChange,
  TurnId,
} from "../protocol/service";
import type { AgentStore } from "../store/agentStore";
import type { BlockStore } from "../store/blockStore";
import { removeObjectsOf } from "../store/collect";
import { keysOfAgent } from "../store/references";
import { dayOf } from "../text/strftime";
import { readableThought } from "../text/thinkingMarks";
import { AgentCache } from "./agentCache";
import { AgentDirectory } from "./agentDirectory";
import { checkedThinking, dayOfAgent, frameOf } from "./agentFrame";
import { nameForNumber, validName } from "./agentName";
import { checkedSampling, storedSampling } from "./agentSampling";
import { toolsText } from "./agentTools";
import { assertNotBlank } from "./answerBudget";
import { thoughtPart } from "./answerStream";
import { BranchWork } from "./branchWork";
import { checkedAttachments, checkedPinnedFiles } from "./checkedFiles";
import { noRoomToGoOn } from "./contextFull";
import { assertContinuable, cutTurn } from "./continuing";
import { Conversation } from "./conversation";
import { type Activity, LiveAgent } from "./liveAgent";
import { LiveAgents } from "./liveAgents";
import { LocalAnswers } from "./localAnswers";
import { LockKeeper } from "./lockKeeper";
import { modelOf, textsUpTo, tokensOfAnother } from "./otherModel";
import type { ModelAccess } from "./ports";
import { wholeTree } from "./readTree";
import { Residency, rankOf } from "./residency";
import { RunningAnswer } from "./runningAnswer";
import { ServerAnswers } from "./serverAnswers";
import { type Servers, storedServer } from "./serverPort";
import { type LiveState, summaryOf } from "./summaries";
import { attachmentsOf, resultMessages, resultsSoFar, waitingCalls } from "./turnInput";
import { TurnRunner } from "./turnRunner";
import { newTurn, openCopy, sameTurn, type TurnStart } from "./turnStart";
import { countTokens, TurnTree } from "./turnTree";
import { Wait } from "./wait";

export interface AgentsOptions {
  readonly store: AgentStore;
  readonly blocks: BlockStore;
  readonly models: ModelAccess;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  readonly servers: Servers;
  /** The user's settings for answers at the moment. */
  readonly sampling: () => SamplingOptions;
  readonly defaultModel: () => string;
  readonly log: Log;
  /** How long an agent that is idle and not shown keeps its lock. */
  readonly lockGraceMs?: number;
}

interface AnswerOptions {
  readonly sampling?: SamplingOptions | undefined;
  readonly toolMode?: ToolMode | undefined;
  readonly jsonSchema?: JsonSchema | undefined;
}

const defaultLockGraceMs = 30_000;

const onDiskOnly: LiveState = { state: "idle", hotTokens: 0, lockedElsewhere: false };

export type AgentEvent =
  | { readonly type: "changed"; readonly summary: AgentSummary }
  | { readonly type: "deleted"; readonly id: AgentId }
  | { readonly type: "turnStarted" | "turnEnded"; readonly id: AgentId; readonly turn: TurnId }
  /** A save ended: `bytes` of blocks were written. `error`: why not everything could be saved. */
  | { readonly type: "saved"; readonly id: AgentId; readonly bytes: number; readonly error?: ErrorInfo }
  | { readonly type: "refused"; readonly id: AgentId; readonly refused: CacheRefusal };

/** All agents of a home. Those that this process writes are live; the others are read from disk on demand. */
export class Agents {
  readonly residency: Residency;
  private readonly emitter: Emitter<AgentEvent>;
  private readonly live: LiveAgents;
  private readonly directory: AgentDirectory;
  private readonly locks: LockKeeper;
  private readonly runner: TurnRunner;
  private readonly branches: BranchWork;
  private readonly turns = new Set<Promise<void>>();
  private numAnswers = 0;

  constructor(private readonly options: AgentsOptions) {
    const { store, models, clock, log } = options;
    this.emitter = new Emitter((error) => log.log("error", toErrorInfo(error).what));
    this.live = new LiveAgents(
      store,
      (id) => this.newCache(id),
      ({ id }) => this.locks.look(id),
    );
    this.directory = new AgentDirectory({ ...options, live: this.live });
    this.locks = new LockKeeper({
      live: this.live,
      residency: () => this.residency,
      graceMs: options.lockGraceMs ?? defaultLockGraceMs,
      log,
      onLeft: ({ writer }) => this.emitter.fire({ type: "changed", summary: summaryOf(writer.manifest, onDiskOnly) }),
    });
    const onChange = (agent: LiveAgent) => this.changed(agent);
    const local = new LocalAnswers({
      models,
      clock,
      settings: options.sampling,
      onRefused: ({ id }, refused) => this.emitter.fire({ type: "refused", id, refused }),
    });
    const remote = new ServerAnswers({ servers: options.servers, clock, settings: options.sampling });
    this.branches = new BranchWork({ ...options, local, remote, residency: () => this.residency, onChange });
    this.runner = new TurnRunner({
      clock,
      engineOf: ({ writer }) => (storedServer(writer.manifest) === undefined ? local : remote),
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
    return this.directory.list();
  }

  /**
   * The agent as far as it can be read, also where it is damaged. With `newestTurns`: only so many turns, no branches.
   */
  get(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    return this.directory.get(id, newestTurns);
  }

  /** The whole result that `turn` goes on with for a call. */
  callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult> {
    return this.directory.callResult(id, turn, call);
  }

  /** The text of the attachment `index` of `turn`. */
  attachmentText(id: AgentId, turn: TurnId, index: number): Promise<string> {
    return this.directory.attachmentText(id, turn, index);
  }

  pinnedText(id: AgentId, path: string): Promise<string> {
    return this.directory.pinnedText(id, path);
  }

  toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]> {
    return this.directory.toldChanges(id, instead);
  }

  /** By id or by name; `undefined`: there is no such agent. Throws where that cannot be known. */
  find(nameOrId: string): Promise<AgentSummary | undefined> {
    return this.directory.find(nameOrId);
  }

  /** Finishes what killed processes began, and logs which agents cannot be read. */
  sweep(): Promise<void> {
    return this.directory.sweep(this.onDeleted);
  }

  async repair(id: AgentId): Promise<AgentRepair> {
    const { repaired, summary } = await this.directory.repair(id);
    if (summary !== undefined) this.emitter.fire({ type: "changed", summary });
    return repaired;
  }

  async create({
    name,
    system = "",
    modelDirectory,
    allowUnreadable,
    thinking,
    tools = [],
    server,
  }: CreateAgentRequest): Promise<AgentSummary> {
    const wanted = {
      ...{ name: validName(name), system },
      ...(server === undefined
        ? await this.folderOf(modelDirectory)
        : { modelDirectory: "", ...(await this.serverOf(server)) }),
      day: dayOf(new Date(this.options.wallClockMs())),
      ...(thinking === undefined ? {} : { thinking: checkedThinking(thinking) }),
      ...(tools.length === 0 ? {} : { tools: toolsText(tools) }),
    };
    const writer = await this.options.store.create(wanted, { allowUnreadable: allowUnreadable === true });
    return this.adopt(new LiveAgent(writer, this.newCache(writer.manifest.id), new TurnTree()));
  }

  /** A panel begins or ceases to show the agent. While a panel shows it, its lock and its logs are kept. */
  setShown(id: AgentId, shown: boolean): void {
    this.locks.setShown(id, shown);
  }

  rename(id: AgentId, name: string): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      await this.options.store.rename(agent.writer, validName(name));
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

  /** Sets the agent's own sampling, from its next answer on. Empty: the agent has none of its own. */
  async setSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary> {
    const wanted = checkedSampling(sampling);
    return this.live.use(id, async (agent) => {
      const before = storedSampling(agent.writer.manifest);
      await agent.writer.commitOrUndo({ sampling: { ...wanted } }, { sampling: { ...before } });
      return this.changed(agent);
    });
  }

  /** Sets how the agent thinks, from its next answer on; `undefined`: as its model does by itself. */
  async setThinking(id: AgentId, thinking: Thinking | undefined): Promise<AgentSummary> {
    const wanted = thinking === undefined ? "" : checkedThinking(thinking);
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.changeFrame({ thinking: wanted }, { thinking: agent.writer.manifest.thinking ?? "" });
      await this.residency.readAhead.stop(agent);
      return this.changed(agent);
    });
  }

  /** Sets the tools that the agent's model is told of, from its next message on. */
  async setTools(id: AgentId, tools: readonly ToolSpec[]): Promise<AgentSummary> {
    const wanted = toolsText(tools);
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.changeFrame({ tools: wanted }, { tools: agent.writer.manifest.tools ?? "" });
      await this.residency.readAhead.stop(agent);
      return this.changed(agent);
    });
  }

  setSystem(id: AgentId, system: string): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.changeFrame({ system }, { system: agent.writer.manifest.system });
      return this.changed(agent);
    });
  }

  /** Sets the files that stand behind the agent's instructions, from its next message on. */
  async setPinnedFiles(id: AgentId, files: readonly PinnedFile[]): Promise<AgentSummary> {
    const wanted = checkedPinnedFiles(files);
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      const before = agent.tree.files;
      await agent.setFiles(wanted);
      if (agent.tree.files === before) return agent.summary();
      // A message that came meanwhile has ended the reading, and reads them itself.
      if (agent.activity !== undefined) return this.changed(agent);
      await this.residency.readAhead.stop(agent);
      agent.filesReading.begin();
      return this.changed(agent);
    });
  }

  /** Shares the source's blocks in memory and on disk. The source is only read: another process may be writing it. */
  async fork(id: AgentId, name: string, turn?: TurnId, { delegateOf }: ForkOptions = {}): Promise<AgentSummary> {
    if (delegateOf !== undefined && delegateOf !== id) await this.directory.get(delegateOf, 0);
    const source = this.live.get(id);
    await source?.writer.commit();
    const stored = await this.options.store.read(id);
    const tree = await wholeTree(stored);
    // A turn that is being answered belongs to the source alone.
    const running = source?.activity?.turn;
    const head = turn ?? (running === undefined ? tree.readable(stored.manifest.head) : tree.get(running)?.parent);
    if (turn !== undefined && tree.get(turn) === undefined) {
      throw new InvalidRequestError(`${stored.manifest.name} has no turn ${turn}`, "choose one of its turns", { turn });
    }
    const writer = await this.options.store.fork(stored, {
      name: delegateOf === undefined ? validName(name) : nameForNumber(name),
      headTokens: countTokens(tree, head),
      headTurns: tree.turnCount(head),
      headCalls: tree.waitingAt(head),
      day: dayOfAgent(stored.manifest),
      ...(head === undefined ? {} : { head }),
      ...(delegateOf === undefined ? {} : { delegateOf }),
    });
    const fork = new LiveAgent(writer, this.newCache(writer.manifest.id), tree);
    // A cache that is lent to a read-ahead cannot be shared: its last tokens would be read again.
    if (source !== undefined) await this.residency.readAhead.stop(source);
    source?.cache.shareWith(fork.cache, writer.manifest.headTokens);
    return this.adopt(fork);
  }

  /** Copies the branch at the head of `from`, a fork of the agent, from where the two part. Resolves with its last turn. */
  async adoptBranch(id: AgentId, from: AgentId, { asHead = false }: AdoptOptions = {}): Promise<TurnId> {
    if (id === from) throw new InvalidRequestError("an agent has its own branches", "name a fork of it", { agent: id });
    return this.live.use(id, (agent) => this.live.use(from, (source) => this.branches.adopt(agent, source, asHead)));
  }

  /** For a long or full context: a summary of the conversation and its last turns become a new branch. */
  compact(
    id: AgentId,
    { turns }: CompactOptions,
    onProgress: (progress: Progress) => void = () => {},
    signal?: AbortSignal,
  ): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      const tokens = await this.branches.compact(agent, turns, onProgress, signal);
      return { ...agent.summary(), tokens };
    });
  }

  /** A new agent that uses another model and has the texts of the branch at the head: they are read with its first message. */
  async copyWithModel(id: AgentId, name: string, modelDirectory: string): Promise<AgentSummary> {
    const { store, wallClockMs } = this.options;
    const { manifest, files, records } = await this.textsOf(id);
    const model = await this.folderOf(modelDirectory);
    const { system, sampling, thinking, tools } = manifest;
    const writer = await store.create({
      ...{ name: validName(name), system, ...model, day: dayOfAgent(manifest) },
      ...(sampling === undefined ? {} : { sampling }),
      ...(thinking === undefined ? {} : { thinking }),
      ...(tools === undefined ? {} : { tools }),
    });
    const copy = new LiveAgent(writer, this.newCache(writer.manifest.id), new TurnTree());
    try {
      if (files.length > 0) await copy.setFiles(files);
      if (records.length > 0) await copy.addTexts(records, wallClockMs());
    } catch (error) {
      await store.remove(writer.manifest.id, writer, this.onDeleted);
      throw error;
    }
    return this.adopt(copy);
  }

  /** From the next message on a server answers the agent. */
  async useServer(id: AgentId, server: AgentServer): Promise<AgentSummary> {
    const wanted = await this.serverOf(server);
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.changeFrame(wanted, modelOf(agent.writer.manifest));
      await this.residency.evict(agent);
      return this.changed(agent);
    });
  }

  /** From the next message on the model in a folder answers the agent. */
  async useFolder(id: AgentId, modelDirectory: string): Promise<AgentSummary> {
    const wanted = { ...(await this.folderOf(modelDirectory)), server: "" };
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      const { manifest } = agent.writer;
      const hasTokens = agent.tree.all().some(({ prompt, answerIds }) => prompt !== undefined || answerIds.length > 0);
      if (hasTokens && manifest.modelDirectory !== modelDirectory) throw tokensOfAnother(manifest);
      await agent.changeFrame(wanted, modelOf(manifest));
      return this.changed(agent);
    });
  }

  private async folderOf(modelDirectory = this.options.defaultModel()) {
    const { name: modelName, contextTokens } = await this.options.models.describe(modelDirectory);
    return { modelDirectory, modelName, contextTokens };
  }

  private async serverOf(server: AgentServer) {
    const { contextTokens } = await this.options.servers.describe(server);
    return { server: server.address, modelName: server.model, contextTokens };
  }

  /** How many tokens such a copy would read with its first message, and the context of its model. */
  async measureWithModel(id: AgentId, modelDirectory: string): Promise<ConversationSize> {
    const { models } = this.options;
    const { manifest, files, records } = await this.textsOf(id);
    const { contextTokens } = await models.describe(modelDirectory);
    const tree = new TurnTree();
    for (const record of records) tree.apply(record);
    const prompts = await models.prompts(modelDirectory);
    const conversation = new Conversation(tree);
    const frame = frameOf(manifest, files);
    const { promptTokens } = await conversation.sizeWith(records.at(-1)?.turn, { text: "" }, frame, prompts);
    return { tokens: promptTokens, contextTokens };
  }

  private async textsOf(id: AgentId) {
    await this.live.get(id)?.writer.commit();
    const stored = await this.options.store.read(id);
    const tree = await wholeTree(stored);
    const records = textsUpTo(tree, tree.readable(stored.manifest.head));
    return { manifest: stored.manifest, files: tree.files, records };
  }

  /** Moves the head; nothing is removed. */
  rewind(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      if (turn !== undefined) agent.turn(turn);
      const wanted = agent.headAt(turn);
      const { head = null, headTokens, headTurns, headCalls = 0 } = agent.writer.manifest;
      await agent.writer.commitOrUndo(wanted, { head, headTokens, headTurns, headCalls });
      await this.residency.readAhead.stop(agent);
      agent.cache.rewind(wanted.headTokens);
      return this.changed(agent);
    });
  }

  /** For a full context: the last `turns` turns become a new branch. The branch that was left stays reachable. */
  startOver(id: AgentId, turns: number): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      agent.assertIdle();
      await agent.filesCommitted;
      await agent.startOverWith(turns, this.options.wallClockMs());
      await this.residency.readAhead.stop(agent);
      agent.cache.rewind(agent.tokensBeforeAll);
      return this.changed(agent);
    });
  }

  /**
   * Stops its answer, then removes it and the block files that no other agent refers to. A damaged one goes too. Its delegates
   * follow; one that cannot be deleted stays as an agent like others.
   */
  async delete(id: AgentId): Promise<void> {
    await this.deleteOne(id);
    const { store, log } = this.options;
    const stays = (error: unknown) =>
      log.log("warn", `an agent that answered for a deleted one stays: ${toErrorInfo(error).what}`);
    const { manifests } = await store.list().catch((error: unknown) => {
      stays(error);
      return { manifests: [] };
    });
    for (const manifest of manifests) if (manifest.delegateOf === id) await this.delete(manifest.id).catch(stays);
  }

  private async deleteOne(id: AgentId): Promise<void> {
    await this.removeFolder(id, this.live.get(id));
    this.live.forget(id);
    this.emitter.fire({ type: "deleted", id });
  }

  /** The agents that must be repaired before they can be continued. */
  damaged(): Promise<readonly AgentId[]> {
    return this.directory.damaged();
  }

  /** Deletes all agents. Throws AGENT_LOCKED, nothing deleted, while another process uses one. */
  async deleteAll(): Promise<number> {
    const all = await this.list();
    const locked: string[] = [];
    for (const { id, name } of all) {
      const isOurs = this.live.get(id) !== undefined;
      if (!isOurs && (await this.options.store.lockState(id)) === "held") locked.push(name);
    }
    if (locked.length > 0) {
      const what = `another window or program is using ${locked.join(", ")}`;
      throw new ResidentError("AGENT_LOCKED", what, "close it there and try again", { agents: locked.length });
    }
    for (const { id } of all) await this.deleteOne(id);
    return all.length;
  }

  private async removeFolder(id: AgentId, agent: LiveAgent | undefined): Promise<void> {
    const { store } = this.options;
    if (agent === undefined) return store.remove(id, undefined, this.onDeleted);
    agent.deleted = true;
    try {
      agent.activity?.answer.abort();
      agent.work?.abort();
      await agent.work?.over;
      await agent.over;
      await this.residency.drop(agent);
      await store.remove(id, agent.writer, this.onDeleted);
    } catch (error) {
      // The agent is still there, and is saved like any other.
      agent.deleted = false;
      throw error;
    }
  }

  /** Removes blocks of a deleted agent that no other agent refers to. The collection removes what a failure leaves. */
  private readonly onDeleted = async (folder: string): Promise<void> => {
    const { store, blocks, log } = this.options;
    try {
      await removeObjectsOf(blocks.root, store.references, await keysOfAgent(folder));
    } catch (error) {
      log.log("warn", `blocks of a deleted agent stay until the next collection: ${toErrorInfo(error).what}`);
    }
  };

  /**
   * Reads the branch at the head and the draft of the next message ahead. Resolves when they are hot or more important
   * work came.
   */
  async warm(id: AgentId, draft?: string, attachments?: readonly Attachment[]): Promise<AgentSummary> {
    const wanted = attachments && checkedAttachments(attachments);
    return this.live.use(id, async (agent) => {
      const isWritten = draft !== undefined || wanted !== undefined;
      const readsFiles = agent.filesReading.isOpen;
      await this.residency.readAhead.start(
        agent,
        isWritten ? { text: draft ?? "", attachments: wanted ?? [] } : undefined,
      );
      // They are long, and the process may end before the next answer is saved.
      if (readsFiles && !agent.filesReading.isOpen) void this.residency.save(agent);
      return agent.summary();
    });
  }

  /** Reads the results that are known so far ahead, and what stands before the next. */
  readAheadResults(id: AgentId, results: readonly ToolResult[]): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      if (agent.activity !== undefined) return agent.summary();
      const { head, tree } = agent;
      const known = resultsSoFar(waitingCalls(head === undefined ? undefined : tree.get(head)), results);
      if (known.length > 0) await this.residency.readAhead.startResults(agent, known);
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

  async send(id: AgentId, request: SendRequest): Promise<Running> {
    const { text, sampling, instead, toolMode, jsonSchema, isOneOfSeveral: again = false } = request;
    const given = request.attachments && checkedAttachments(request.attachments);
    if (instead === undefined && !given?.length) assertNotBlank(text);
    const wait = this.newWait();
    return this.live.use(id, (agent) => {
      const replaced = instead === undefined ? undefined : agent.turn(instead);
      const attachments = given ?? attachmentsOf(replaced?.input ?? []);
      if (attachments.length === 0) assertNotBlank(text);
      const parent = replaced === undefined ? agent.head : replaced.parent;
      const input = agent.conversation.draftInput(parent, { text, attachments });
      return this.begin(agent, { ...newTurn(parent, input), again }, { sampling, toolMode, jsonSchema }, wait);
    });
  }

  /** A further step of the turn at the head. Rejects with INVALID_REQUEST where its calls and the results do not fit. */
  async sendResults(id: AgentId, { results, sampling, toolMode }: ResultsRequest): Promise<Running> {
    const wait = this.newWait();
    return this.live.use(id, (agent) => {
      agent.assertIdle();
      const { head, tree } = agent;
      const calls = waitingCalls(head === undefined ? undefined : tree.get(head));
      if (calls.length === 0 && results.length === 0) {
        throw new InvalidRequestError(`${agent.name} waits for no result`, "send a message");
      }
      return this.begin(agent, newTurn(head, resultMessages(calls, results)), { sampling, toolMode }, wait);
    });
  }

  /** Continues the head's answer where it was cut. Rejects with INVALID_REQUEST or CONTEXT_FULL where it cannot. */
  async continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<Running> {
    const wait = this.newWait();
    return this.live.use(id, (agent) => {
      agent.assertIdle();
      const { tree, head, name, writer } = agent;
      const turn = cutTurn(tree, head, name);
      assertContinuable(turn, storedServer(writer.manifest));
      const { contextTokens } = writer.manifest;
      const tokens = countTokens(tree, turn.id);
      if (contextTokens > 0 && tokens >= contextTokens) throw noRoomToGoOn(tokens, contextTokens);
      return this.begin(agent, tree.isFollowed(turn.id) ? openCopy(turn) : sameTurn, { sampling }, wait);
    });
  }

  /**
   * How long a message would be; `undefined` while the agent's model is not loaded. Uses the text model only, so it
   * waits for no answer, read-ahead or load.
   */
  async measureDraft(
    id: AgentId,
    text: string,
    instead?: TurnId,
    given?: readonly Attachment[],
  ): Promise<DraftSize | undefined> {
    const { models } = this.options;
    const checked = given && checkedAttachments(given);
    if (models.current === undefined) return undefined;
    return this.live.use(id, async (agent) => {
      const { conversation, frame, frameSize, writer } = agent;
      if (storedServer(writer.manifest) !== undefined) return undefined;
      const session = models.loaded(writer.manifest.modelDirectory);
      if (session === undefined) return undefined;
      const { prompts } = session.text;
      const replaced = instead === undefined ? undefined : agent.turn(instead);
      const before = replaced === undefined ? agent.head : replaced.parent;
      const draft = { text, attachments: checked ?? attachmentsOf(replaced?.input ?? []) };
      const size = await conversation.sizeWith(before, draft, frame, prompts);
      if (await frameSize.count(prompts)) this.changed(agent);
      return { ...size, contextTokens: session.contextTokens };
    });
  }

  async regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running> {
    const wait = this.newWait();
    return this.live.use(id, (agent) => {
      const again = turn ?? agent.head;
      if (again === undefined) throw new InvalidRequestError(`${agent.name} has no turn yet`, "send a message first");
      const { parent, input } = agent.turn(again);
      return this.begin(agent, { ...newTurn(parent, input), again: true }, { sampling }, wait);
    });
  }

  /** Keys of the blocks that agents in memory use now. They must not be evicted from disk. */
  neededKeys(): ReadonlySet<string> {
    const hot = this.live.all().filter((agent) => agent.cache.holdsBlocks || agent.activity !== undefined);
    return new Set(hot.flatMap((agent) => agent.cache.keysInUse));
  }

  running(id: AgentId): Running | undefined {
    return this.live.get(id)?.activity?.answer;
  }

  /** Stops answers, saves what is unsaved, releases every lock. */
  async close(): Promise<void> {
    this.locks.dispose();
    for (const agent of this.live.all()) {
      agent.activity?.answer.abort();
      agent.work?.abort();
    }
    await Promise.all([...this.turns, ...this.live.all().map(({ work }) => work?.over)]);
    for (const agent of this.live.all()) {
      await this.residency.evict(agent);
      await agent.writer.close();
      this.live.forget(agent.id);
    }
  }

  private newWait(): Wait {
    return new Wait(this.options.clock);
  }

  /**
   * When this resolves the message is on disk; the answer runs in the background, and has since before that. Where the message
   * cannot be saved, this rejects with nothing changed.
   */
  private async begin(
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
    await this.residency.readAhead.stop(agent);
    await agent.filesCommitted;
    const committed = commit(agent, turnId, this.options.wallClockMs()).then(() => {
      this.emitter.fire({ type: "turnStarted", id: agent.id, turn: turnId });
      this.changed(agent);
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
    const work = { ...asked, activity, headBefore };
    const run = this.runner.run(agent, work);
    agent.over = committed.then(
      () => run.then(() => this.ended(agent, turnId)),
      () => run.then(() => void this.changed(agent)),
    );
    const over = agent.over;
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
}
