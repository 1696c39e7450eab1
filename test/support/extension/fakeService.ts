/** A service with agents in memory; the test plays its answers event by event. */
import { type Attachment, attachmentView, type PinnedFile } from "../../../src/common/attachments";
import { AbortedError, ResidentError } from "../../../src/common/errors";
import { Emitter } from "../../../src/common/events";
import { isBeyondLoopback, isPlainBeyondLoopback, parseServerAddress } from "../../../src/common/serverAddress";
import type { Thinking } from "../../../src/common/thinking";
import type { ToolResult, ToolSpec } from "../../../src/common/tools";
import type {
  AdoptOptions,
  AgentDetail,
  AgentId,
  AgentRepair,
  AgentSampling,
  AgentServer,
  AgentSummary,
  BenchReport,
  ChatModel,
  ChatRequest,
  CompactOptions,
  ConnectedServer,
  ConnectServerRequest,
  ConversationSize,
  CountedInput,
  CreateAgentRequest,
  DiagnoseReport,
  DraftSize,
  EngineState,
  ForkOptions,
  GenerateRequest,
  GenerationEvent,
  HubModel,
  HubRequest,
  HubSearch,
  ImportedModel,
  ListedModel,
  ModelDeletion,
  ModelDetail,
  ModelSummary,
  ResidentService,
  ResultsRequest,
  Running,
  SamplingOptions,
  SendRequest,
  ServerTrial,
  ServiceEvent,
  ServiceStatus,
  StoreCollection,
  StoreForgotten,
  StoreRepair,
  StoreStats,
  StoreVerification,
  SuggestedModel,
  TemplateFacts,
  ToldChange,
  TurnFigures,
  TurnId,
  TurnView,
} from "../../../src/protocol/service";
import { countTurns } from "../../../src/protocol/turnSteps";

type Done = Extract<GenerationEvent, { type: "done" }>;

export const figures: TurnFigures = {
  promptTokens: 30,
  reusedTokens: 20,
  prefilledTokens: 10,
  generatedTokens: 2,
  ttftMs: 84,
  restoreMs: 0,
  decodeTokensPerSecond: 11,
  cache: { tier: "hot" },
};

export const model: ModelSummary = {
  directory: "/models/starter",
  name: "SmolLM2-135M-Instruct",
  architecture: "llama",
  quantization: "4-bit",
  weightBytes: 98_000_000,
  contextTokens: 8192,
  isStarter: true,
};

/** An answer that the test plays. */
export class FakeRunning implements Running {
  private readonly events: GenerationEvent[] = [];
  private readonly emitter = new Emitter<GenerationEvent>();
  private settle: { readonly resolve: (done: Done) => void; readonly reject: (error: unknown) => void } | undefined;
  aborted = false;

  readonly done = new Promise<Done>((resolve, reject) => {
    this.settle = { resolve, reject };
  });

  constructor(
    readonly id: string,
    private readonly onEnd: (end: Done | Extract<GenerationEvent, { type: "failed" }>) => void = () => {},
  ) {}

  onEvent(listener: (event: GenerationEvent) => void) {
    for (const event of this.events) listener(event);
    return this.emitter.event(listener);
  }

  play(...events: readonly GenerationEvent[]): void {
    for (const event of events) {
      this.events.push(event);
      this.emitter.fire(event);
      if (event.type !== "done" && event.type !== "failed") continue;
      this.onEnd(event);
      if (event.type === "done") this.settle?.resolve(event);
      else this.settle?.reject(ResidentError.fromInfo(event.error));
    }
  }

  /** Plays some text, then the end. */
  answer(...parts: readonly string[]): void {
    for (const text of parts) this.play({ type: "text", text, figures });
    this.play({ type: "done", text: parts.join(""), tokenIds: [], finishReason: "stop", figures });
  }

  abort(): void {
    this.aborted = true;
    const text = this.events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join("");
    this.play({ type: "done", text, tokenIds: [], finishReason: "aborted", figures });
  }
}

export class FakeService implements ResidentService {
  private readonly emitter = new Emitter<ServiceEvent>();
  private readonly agents = new Map<AgentId, AgentDetail>();
  private readonly answers = new Map<AgentId, FakeRunning>();
  private made = 0;
  engine: EngineState = { type: "ready", model, device: "cpu", mlxVersion: "0.32.4" };
  readonly onEvent = this.emitter.event;
  /** The read-ahead requests, in order. */
  readonly warmed: {
    readonly id: AgentId;
    readonly draft: string | undefined;
    readonly attachments?: readonly Attachment[];
  }[] = [];
  /** The texts of the turns' attachments, by the turns' ids. */
  private readonly attached = new Map<TurnId, readonly Attachment[]>();
  /** The pinned files with their texts, by agent. */
  readonly pinnedFiles = new Map<AgentId, readonly PinnedFile[]>();
  defaultSampling: SamplingOptions = {};
  /** What the template of every model asks about. */
  thinkingChoices: readonly Thinking[] = [];
  /** The calls that report which agents are shown, in order. */
  readonly shown: { readonly id: AgentId; readonly shown: boolean }[] = [];
  disposed = false;

  fire(event: ServiceEvent): void {
    this.emitter.fire(event);
  }

  /** The answer that the test plays now. */
  answerOf(agent: AgentId): FakeRunning {
    const running = this.answers.get(agent);
    if (!running) throw new Error(`${agent} is not answering`);
    return running;
  }

  change(id: AgentId, parts: Partial<AgentDetail>): AgentDetail {
    const { turns } = parts;
    const changed = { ...this.detail(id), ...(turns && { turnCount: countTurns(turns) }), ...parts };
    this.agents.set(id, changed);
    this.fire({ type: "agent", id, summary: changed });
    return changed;
  }

  async status(): Promise<ServiceStatus> {
    return {
      engine: this.engine,
      metrics: {
        kvCacheUsage: 0,
        prefixCacheQueries: 0,
        prefixCacheHits: 0,
        numRequestsRunning: this.answers.size,
        numRequestsWaiting: 0,
        numPreemptions: 0,
        decodeTokensPerSecond: 0,
        prefillTokensPerSecond: 0,
        ttftP50Ms: 0,
        ttftP95Ms: 0,
        specDecodeNumDraftTokens: 0,
        specDecodeNumAcceptedTokens: 0,
        movedSlabs: 0,
      },
      pool: {
        bytes: 2 ** 28,
        totalBlocks: 256,
        usedBlocks: 0,
        reusableBlocks: 0,
        freeBlocks: 256,
        blockTokens: 64,
        blockBytes: 2 ** 20,
        map: [{ kind: "free", count: 256 }],
      },
      store: { path: "/home/store", objects: 0, bytes: 0, quotaBytes: 8 * 2 ** 30, refused: 0 },
      agents: [...this.agents.values()],
      threads: { count: 0, bytes: 0, recent: [] },
      lastBench: [],
    };
  }

  async diagnose(): Promise<DiagnoseReport> {
    return { sections: [{ title: "Engine", lines: [["MLX", "0.32.4"]] }] };
  }

  async listModels(): Promise<readonly ListedModel[]> {
    return [{ ...model, source: "starter", isLoaded: true, isDeletable: false }];
  }

  async deleteModel(): Promise<ModelDeletion> {
    return { freedBytes: 0, agents: [] };
  }

  async inspectModel(): Promise<ModelDetail> {
    return {
      ...model,
      numLayers: 30,
      numHeads: 9,
      numKvHeads: 3,
      headDim: 64,
      vocabSize: 49152,
      kvBytesPerToken: 46080,
      ...(await this.templateFacts()),
      eosTokens: ["<|im_end|>"],
      leftOut: [],
    };
  }

  async templateFacts(): Promise<TemplateFacts> {
    return { hasChatTemplate: true, thinkingChoices: this.thinkingChoices, insistsOnDate: false, takesTools: true };
  }

  async chooseModel(): Promise<ModelSummary> {
    return model;
  }

  async loadModel(): Promise<ModelSummary> {
    return model;
  }

  async unloadModel(): Promise<void> {}

  async importGguf(): Promise<ImportedModel> {
    return { ...model, rounded: [{ type: "Q6_K", bits: 8, tensors: 12, largestError: 0.0021 }] };
  }

  async getStarterModel(): Promise<ModelSummary> {
    return model;
  }

  async setHubAccess(): Promise<void> {}

  async searchHub(): Promise<HubSearch> {
    return { models: [], others: [] };
  }

  async describeHubModel({ name }: HubRequest): Promise<HubModel> {
    throw new ResidentError("MODEL_NOT_FOUND", `there is no model ${name}`, "check the name");
  }

  async getHubModel(): Promise<ImportedModel> {
    return { ...model, rounded: [] };
  }

  async suggestedModels(): Promise<readonly SuggestedModel[]> {
    return [];
  }

  /** The connected servers. */
  servers: ConnectedServer[] = [];

  async connectServer({ address, key, mayLeave }: ConnectServerRequest): Promise<ConnectedServer> {
    const { url, host } = parseServerAddress(address);
    const isRemote = isBeyondLoopback(url);
    if (isRemote && mayLeave !== true) {
      const facts = { needsConsent: true, isPlain: isPlainBeyondLoopback(url), address: url };
      throw new ResidentError("SERVER_UNKNOWN", `conversations would leave this machine for ${host}`, "agree", facts);
    }
    const server = { address: url, host, models: [{ name: "tiny" }], isRemote, hasKey: key !== undefined };
    this.servers = [...this.servers.filter((other) => other.address !== url), server];
    return server;
  }

  async listServers(): Promise<readonly ConnectedServer[]> {
    return this.servers;
  }

  async forgetServer(address: string): Promise<void> {
    this.servers = this.servers.filter((server) => server.address !== address);
  }

  /** The keys that were set last. */
  serverKeys: Readonly<Record<string, string>> = {};

  async setServerKeys(keys: Readonly<Record<string, string>>): Promise<void> {
    this.serverKeys = keys;
  }

  async tryServer(): Promise<ServerTrial> {
    return { text: "OK", ms: 12 };
  }

  async useServer(id: AgentId, server: AgentServer): Promise<AgentSummary> {
    return this.change(id, { server, modelName: server.model, contextTokens: 0 });
  }

  async useFolder(id: AgentId, modelDirectory: string): Promise<AgentSummary> {
    const { server: _, ...rest } = this.detail(id);
    const changed = { ...rest, modelDirectory, modelName: model.name, contextTokens: model.contextTokens };
    this.agents.set(id, changed);
    this.fire({ type: "agent", id, summary: changed });
    return changed;
  }

  generate(_request: GenerateRequest): FakeRunning {
    return new FakeRunning("generate");
  }

  /** The last one is played by the test. */
  readonly chats: { readonly request: ChatRequest; readonly running: FakeRunning }[] = [];

  chat(request: ChatRequest): FakeRunning {
    const running = new FakeRunning(`chat ${this.chats.length}`);
    this.chats.push({ request, running });
    return running;
  }

  /** One token for each letter. */
  async countTokens(_modelDirectory: string, inputs: readonly CountedInput[]): Promise<readonly number[]> {
    return inputs.map((input) =>
      typeof input === "string" ? input.length : input.reduce((sum, { content }) => sum + content.length, 0),
    );
  }

  chatModelList: readonly ChatModel[] = [];

  async chatModels(): Promise<readonly ChatModel[]> {
    return this.chatModelList;
  }

  async listAgents(): Promise<readonly AgentSummary[]> {
    return [...this.agents.values()];
  }

  async getAgent(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    const agent = this.detail(id);
    const detail = { ...agent, branchCount: agent.branches.length };
    return newestTurns === undefined ? detail : { ...detail, turns: detail.turns.slice(-newestTurns), branches: [] };
  }

  async callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult> {
    const results = this.detail(id).turns.find((one) => one.id === turn)?.results;
    const result = results?.find((one) => one.call === call);
    if (result) return result;
    throw new ResidentError("INVALID_REQUEST", `there is no result of ${call}`, "choose another");
  }

  async attachmentText(_id: AgentId, turn: TurnId, index: number): Promise<string> {
    const attachment = this.attached.get(turn)?.[index];
    if (attachment) return attachment.text;
    throw new ResidentError("INVALID_REQUEST", `there is no attachment ${index}`, "choose another");
  }

  async pinnedText(id: AgentId, path: string): Promise<string> {
    const pinned = this.pinnedFiles.get(id)?.find((file) => file.path === path);
    if (pinned) return pinned.text;
    throw new ResidentError("INVALID_REQUEST", `${path} is not pinned`, "choose another");
  }

  async toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]> {
    const { turns } = this.detail(id);
    const end = instead === undefined ? turns.length : turns.findIndex((turn) => turn.id === instead);
    const told = turns.slice(0, end).flatMap(({ attachments = [] }) => attachments);
    return told.filter(({ kind }) => kind === "change").map(({ path, digest }) => ({ path, digest }));
  }

  async findAgent(nameOrId: string): Promise<AgentSummary | undefined> {
    return [...this.agents.values()].find(({ id, name }) => id === nameOrId || name === nameOrId);
  }

  async createAgent({ name, system = "" }: CreateAgentRequest): Promise<AgentDetail> {
    const index = this.made++;
    const agent: AgentDetail = {
      id: `agent-${index}`,
      name,
      modelDirectory: model.directory,
      modelName: model.name,
      index,
      tier: "cold",
      state: "idle",
      tokens: 0,
      hotTokens: 0,
      diskTokens: 0,
      diskBytes: 0,
      contextTokens: model.contextTokens,
      turnCount: 0,
      createdAt: index,
      lastUsedAt: index,
      pinned: false,
      lockedElsewhere: false,
      system,
      turns: [],
      branches: [],
      branchCount: 0,
    };
    this.agents.set(agent.id, agent);
    this.fire({ type: "agent", id: agent.id, summary: agent });
    return agent;
  }

  async renameAgent(id: AgentId, name: string): Promise<AgentSummary> {
    return this.change(id, { name });
  }

  async setSystemPrompt(id: AgentId, system: string): Promise<AgentSummary> {
    return this.change(id, { system });
  }

  /** One token for each letter. */
  async setPinnedFiles(id: AgentId, files: readonly PinnedFile[]): Promise<AgentSummary> {
    this.pinnedFiles.set(id, files);
    const views = files.map(({ path, digest, text: { length } }) => ({ path, digest, length, tokens: length }));
    return this.change(id, { files: views });
  }

  async forkAgent(id: AgentId, name: string, turn?: TurnId, options: ForkOptions = {}): Promise<AgentSummary> {
    const { turns, system } = this.detail(id);
    const fork = await this.createAgent({ name, system });
    const end = turns.findIndex((kept) => kept.id === turn);
    return this.change(fork.id, { turns: end < 0 ? turns : turns.slice(0, end + 1), ...options });
  }

  /** The fork's newest turn, as a branch of its own in the tree that the test keeps. */
  async adoptBranch(id: AgentId, from: AgentId, { asHead = false }: AdoptOptions = {}): Promise<TurnId> {
    const { turns } = this.detail(from);
    const last = turns.at(-1);
    if (!last) throw new ResidentError("INVALID_REQUEST", "it has no turn yet", "let it answer first");
    if (asHead) this.change(id, { turns });
    return last.id;
  }

  async compactAgent(id: AgentId, { turns }: CompactOptions): Promise<AgentSummary> {
    const all = this.detail(id).turns;
    const kept = turns === 0 ? [] : all.slice(-turns);
    const mark = { turns: all.length - kept.length };
    const summary: TurnView = {
      ...{ id: `turn-${this.made++}`, user: "A summary", answer: "I have read the summary.", createdAt: 0 },
      ...{ state: "done", finishReason: "stop", figures, summary: mark },
    };
    return this.change(id, { turns: [summary, ...kept] });
  }

  /** The calls of `readAheadResults`, in order. */
  readonly aheadResults: { readonly id: AgentId; readonly results: readonly ToolResult[] }[] = [];

  async readAheadResults(id: AgentId, results: readonly ToolResult[]): Promise<AgentSummary> {
    this.aheadResults.push({ id, results });
    return this.detail(id);
  }

  async copyWithModel(id: AgentId, name: string): Promise<AgentSummary> {
    return this.forkAgent(id, name);
  }

  async measureWithModel(id: AgentId): Promise<ConversationSize> {
    const { tokens, contextTokens } = this.detail(id);
    return { tokens, contextTokens };
  }

  async rewindAgent(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary> {
    const { turns } = this.detail(id);
    return this.change(id, { turns: turns.slice(0, turns.findIndex((kept) => kept.id === turn) + 1) });
  }

  async startOver(id: AgentId, turns: number): Promise<AgentSummary> {
    return this.change(id, { turns: this.detail(id).turns.slice(-turns) });
  }

  async deleteAgent(id: AgentId): Promise<void> {
    this.agents.delete(id);
    this.fire({ type: "agent", id });
    for (const agent of [...this.agents.values()]) if (agent.delegateOf === id) await this.deleteAgent(agent.id);
  }

  async storeStats(): Promise<StoreStats> {
    const none = { objects: 0, bytes: 0 };
    const agents = this.agents.size;
    return {
      path: "/home/store",
      ...none,
      quotaBytes: 8e9,
      freeDiskBytes: 1e9,
      models: [],
      referenced: none,
      unreferenced: none,
      agents,
      agentFiles: { objects: agents * 4, bytes: agents * 1000 },
      unknown: [],
    };
  }

  async verifyStore(): Promise<StoreVerification> {
    return { checked: { objects: 0, bytes: 0 }, problems: [], stopped: false };
  }

  async collectStore(): Promise<StoreCollection> {
    const none = { objects: 0, bytes: 0 };
    return { removed: none, temporaryFiles: 0, young: none, unknown: [] };
  }

  async repairStore(): Promise<StoreRepair> {
    return { verification: await this.verifyStore(), removed: { objects: 0, bytes: 0 }, agents: [], failed: [] };
  }

  async forgetEverything(): Promise<StoreForgotten> {
    const agents = this.agents.size;
    for (const id of [...this.agents.keys()]) await this.deleteAgent(id);
    return { agents, removed: { objects: 0, bytes: 0 } };
  }

  async repairAgent(id: AgentId): Promise<AgentRepair> {
    const { damage, ...whole } = this.detail(id);
    this.agents.set(id, whole);
    this.fire({ type: "agent", id, summary: whole });
    const damages = damage === undefined ? [] : [damage.what];
    const lost = { lostTurns: 0, lostRecords: 0, keptFiles: [] };
    return { id, name: whole.name, wasWhole: damages.length === 0, keptTurns: whole.turns.length, damages, ...lost };
  }

  async warmAgent(id: AgentId, draft?: string, attachments?: readonly Attachment[]): Promise<AgentSummary> {
    this.warmed.push({ id, draft, ...(attachments === undefined ? {} : { attachments }) });
    return this.detail(id);
  }

  async pinAgent(id: AgentId, pinned: boolean): Promise<AgentSummary> {
    return this.change(id, { pinned });
  }

  async setAgentTools(id: AgentId, tools: readonly ToolSpec[]): Promise<AgentSummary> {
    return this.change(id, { tools });
  }

  async setAgentThinking(id: AgentId, thinking: Thinking | undefined): Promise<AgentSummary> {
    const { thinking: _, ...others } = this.detail(id);
    this.agents.set(id, others);
    return this.change(id, thinking === undefined ? {} : { thinking });
  }

  async setAgentSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary> {
    return this.change(id, { sampling });
  }

  async setDefaultSampling(sampling: SamplingOptions): Promise<void> {
    this.defaultSampling = sampling;
  }

  async saveAgent(id: AgentId): Promise<AgentSummary> {
    const agent = this.detail(id);
    if (agent.lockedElsewhere) throw new ResidentError("AGENT_LOCKED", "another window has it", "fork it");
    return agent;
  }

  async send(id: AgentId, { text, instead, attachments }: SendRequest): Promise<Running> {
    const { turns, lockedElsewhere } = this.detail(id);
    if (lockedElsewhere) throw new ResidentError("AGENT_LOCKED", "another window has it", "fork it");
    const at = turns.findIndex((turn) => turn.id === instead);
    const given = attachments ?? this.attached.get(instead ?? "") ?? [];
    return this.start(id, at < 0 ? turns : turns.slice(0, at), text, undefined, undefined, given);
  }

  async sendResults(id: AgentId, { results }: ResultsRequest): Promise<Running> {
    return this.start(id, this.detail(id).turns, "", undefined, results);
  }

  async continueAnswer(id: AgentId): Promise<Running> {
    const { turns } = this.detail(id);
    const cut = turns.at(-1);
    const running = this.start(id, turns.slice(0, -1), cut?.user ?? "", cut);
    running.play({ type: "continues", text: cut?.answer ?? "" });
    return running;
  }

  /** One token for each letter. */
  async measureDraft(
    id: AgentId,
    draft: string,
    instead?: TurnId,
    attachments = this.attached.get(instead ?? "") ?? [],
  ): Promise<DraftSize | undefined> {
    const { tokens, contextTokens } = this.detail(id);
    const attachmentTokens = attachments.map(({ text }) => text.length);
    const draftTokens = attachmentTokens.reduce((sum, one) => sum + one, draft.length);
    const each = attachments.length === 0 ? {} : { attachmentTokens };
    return { draftTokens, promptTokens: tokens + draftTokens, contextTokens, ...each };
  }

  async regenerate(id: AgentId, turn?: TurnId): Promise<Running> {
    const { turns } = this.detail(id);
    const at = turn === undefined ? turns.length - 1 : turns.findIndex((candidate) => candidate.id === turn);
    const { id: again = "", user = "", results } = turns[at] ?? {};
    return this.start(id, turns.slice(0, at), user, undefined, results, this.attached.get(again));
  }

  async setShown(id: AgentId, shown: boolean): Promise<void> {
    this.shown.push({ id, shown });
  }

  async running(id: AgentId): Promise<Running | undefined> {
    return this.answers.get(id);
  }

  async runBench(): Promise<BenchReport> {
    throw new AbortedError();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }

  /** `cut`: the turn whose answer is continued. */
  private start(
    id: AgentId,
    before: readonly TurnView[],
    user: string,
    cut?: TurnView,
    results?: readonly ToolResult[],
    attachments: readonly Attachment[] = this.attached.get(cut?.id ?? "") ?? [],
  ): FakeRunning {
    const { id: turnId = `turn-${this.made++}`, answer = "" } = cut ?? {};
    this.attached.set(turnId, attachments);
    const given = {
      ...(results === undefined ? {} : { results }),
      ...(attachments.length === 0 ? {} : { attachments: attachments.map(attachmentView) }),
    };
    const parent = before.at(-1)?.id;
    const turn: TurnView = {
      ...{ id: turnId, user, ...given, answer, state: "running", createdAt: 0 },
      ...(parent === undefined ? {} : { parent }),
    };
    const running = new FakeRunning(turn.id, (end) => {
      this.answers.delete(id);
      const ended: TurnView =
        end.type === "done"
          ? {
              ...{ ...turn, answer: answer + end.text, state: "done", finishReason: end.finishReason },
              ...{ figures: end.figures, ...(end.calls && { calls: end.calls }) },
            }
          : { ...turn, state: "failed", error: end.error };
      this.change(id, { turns: [...before, ended], state: "idle" });
      this.fire({ type: "turnEnded", id, turn: turn.id });
    });
    this.answers.set(id, running);
    this.change(id, { turns: [...before, turn], state: "answering" });
    this.fire({ type: "turnStarted", id, turn: turn.id });
    return running;
  }

  private detail(id: AgentId): AgentDetail {
    const agent = this.agents.get(id);
    if (!agent) throw new ResidentError("AGENT_NOT_FOUND", `there is no agent "${id}"`, "choose another");
    return agent;
  }
}
