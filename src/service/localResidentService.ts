import { randomUUID } from "node:crypto";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { type Agents, createAgents } from "../agents/agents";
import type { ModelAccess } from "../agents/ports";
import { Threads } from "../agents/threads/threads";
import type { Attachment, PinnedFile } from "../common/attachments";
import { AbortedError, toErrorInfo } from "../common/errors";
import { Emitter } from "../common/events";
import type { Log } from "../common/log";
import type { Thinking } from "../common/thinking";
import type { ToolResult, ToolSpec } from "../common/tools";
import { suggestedModels } from "../models/hub/suggestedModels";
import { readTemplateFacts } from "../models/modelDirectory";
import type {
  AdoptOptions,
  AgentDetail,
  AgentId,
  AgentRepair,
  AgentSampling,
  AgentServer,
  AgentSummary,
  BenchReport,
  BenchSuite,
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
  ForkOptions,
  GenerateRequest,
  HubAccess,
  HubModel,
  HubRequest,
  HubSearch,
  ImportRequest,
  ListedModel,
  ModelDeletion,
  ModelDetail,
  ModelSummary,
  Progress,
  ResidentService,
  ResultsRequest,
  Running,
  SamplingOptions,
  SendRequest,
  ServerTrial,
  ServiceEvent,
  ServiceOptions,
  ServiceStatus,
  StoreCollection,
  StoreForgotten,
  StoreRepair,
  StoreStats,
  StoreVerification,
  SuggestedModel,
  TemplateFacts,
  ToldChange,
  TurnId,
} from "../protocol/service";
import { AgentStore, threadsFolder } from "../store/agentStore";
import { BlockStore } from "../store/blockStore";
import { DiskQuota } from "../store/freeDisk";
import { ThreadFiles } from "../store/threadFiles";
import { forwardAgentEvents } from "./agentEvents";
import { HoldableModelAccess } from "./answerHold";
import { BenchDesk, type BenchSuites } from "./benchDesk";
import { BenchHome } from "./benchHome";
import { type BenchSources, benchSuites } from "./benchSuites";
import { ChatModels } from "./chatModels";
import { diagnose } from "./diagnose";
import { engineMetrics, poolStatus } from "./engineStatus";
import { startGeneration } from "./generateTask";
import { HubDesk } from "./hubDesk";
import { IdleUnload } from "./idleUnload";
import { LastVerification } from "./lastVerification";
import { excludeFromBackups, storeFiles } from "./macFiles";
import { machineMemoryBytes } from "./machineMemory";
import { GatedModelAccess } from "./modelAccess";
import { ModelGate } from "./modelGate";
import { type LoadedModel, ModelHost } from "./modelHost";
import { ModelLibrary } from "./modelLibrary";
import { NextModelStatus } from "./nextModel";
import type { Runtime } from "./runtime";
import { ServerDesk } from "./serverDesk";
import { startServerGeneration } from "./serverGeneration";
import { StoreCollector } from "./storeCollector";
import { StoreDesk } from "./storeDesk";
import { StoreKeeper } from "./storeKeeper";
import { TokenCounter } from "./tokenCounter";

const clock = { nowMs: () => performance.now() };

/** The local implementation of the door: composes the parts of the core and delegates to them. */
export class LocalResidentService implements ResidentService {
  private readonly emitter: Emitter<ServiceEvent>;
  private readonly library: ModelLibrary;
  private readonly hub: HubDesk;
  private readonly servers: ServerDesk;
  private readonly host: ModelHost;
  private readonly gate: ModelGate<LoadedModel>;
  private readonly nextModel = new NextModelStatus();
  private readonly idleUnload: IdleUnload;
  private readonly models: HoldableModelAccess;
  private readonly agents: Agents;
  private readonly threads: Threads;
  private readonly tokenCounter: TokenCounter;
  private readonly chats: ChatModels;
  private readonly keeper: StoreKeeper;
  private readonly store: StoreDesk;
  private readonly verified: LastVerification;
  private readonly benchHome: BenchHome;
  private readonly bench: BenchDesk;
  /** Resolves when the leftovers of killed processes are removed. */
  private readonly swept: Promise<void>;
  private readonly generations = new Set<Running>();
  private numGenerations = 0;
  private defaultSampling: SamplingOptions;

  constructor(
    private readonly options: ServiceOptions,
    runtime: Runtime,
    private readonly log: Log,
    suites: (sources: BenchSources) => BenchSuites = benchSuites,
  ) {
    this.emitter = new Emitter((error) => log.log("error", `a listener failed: ${toErrorInfo(error).what}`));
    this.defaultSampling = options.sampling ?? {};
    this.library = new ModelLibrary(options, () => runtime.loadAddon());
    this.hub = new HubDesk({
      models: this.library.models,
      tryLock: (file) => this.host.addon().tryLock(file),
      memoryBytes: machineMemoryBytes(),
    });
    this.servers = new ServerDesk({
      file: path.join(options.home, "servers.json"),
      silentMs: options.serverSilenceMs,
      proxy: () => this.hub.proxy,
      newId: () => `call-${randomUUID()}`,
    });
    const blocks = new BlockStore(path.join(options.home, "store"));
    this.host = new ModelHost({
      service: options,
      runtime,
      clock,
      log,
      onState: (state) => {
        if (state.type === "ready") {
          this.keeper.engineStarted();
          void excludeFromBackups(blocks.root, () => this.host.addon(), log);
        }
        this.emitter.fire({ type: "engine", state });
      },
      beforeUnload: async () => {
        await this.benchHome.evictAll();
        await this.agents.residency.evictAll();
        await this.threads.evictAll();
      },
      onWindowLeft: (session, left) =>
        this.agents.residency.saveLeft(session, left) ?? this.benchHome.saveLeft(session, left),
      onBroken: (model) => this.gate.retire(model),
    });
    this.idleUnload = new IdleUnload(options.unloadAfterMs ?? 0, () => this.unloadWhenIdle());
    this.gate = new ModelGate(this.host, (idle) => this.idleUnload.setIdle(idle));
    const models = new GatedModelAccess(this.gate);
    this.models = new HoldableModelAccess(models);
    const files = storeFiles(() => this.host.addon());
    const store = new AgentStore(path.join(options.home, "agents"), files, () => this.host.addon());
    const { root } = blocks;
    const { references } = store;
    const collector = new StoreCollector({ root, references, locks: () => this.host.addon(), nowMs: Date.now, log });
    this.agents = createAgents({
      store,
      blocks,
      models: this.models,
      servers: this.servers,
      clock,
      wallClockMs: Date.now,
      sampling: () => this.defaultSampling,
      defaultModel: () => this.library.defaultModel,
      log,
    });
    const quota = new DiskQuota(blocks.root, options.storeQuotaBytes);
    this.threads = new Threads({
      models: this.models,
      blocks,
      files: new ThreadFiles(path.join(options.home, threadsFolder), files),
      clock,
      wallClockMs: Date.now,
      sampling: () => this.defaultSampling,
      storeQuotaBytes: () => quota.bytes,
      log,
      onSaved: () => this.keeper.saved(undefined),
    });
    this.tokenCounter = new TokenCounter(models);
    this.chats = new ChatModels({
      options,
      listModels: () => this.listModels(),
      templateFacts: (directory) => this.templateFacts(directory),
      loaded: () => this.gate.current?.model,
      addon: () => runtime.loadAddon(),
    });
    this.keeper = new StoreKeeper({
      blocks,
      get quotaBytes() {
        return quota.bytes;
      },
      onCounted: (bytes) => quota.refresh(bytes),
      neededKeys: () => this.agents.neededKeys(),
      collectIfDue: () => collector.collectIfDue(),
      nowMs: Date.now,
      log,
    });
    this.verified = new LastVerification(root);
    this.store = new StoreDesk({
      root,
      get quotaBytes() {
        return quota.bytes;
      },
      references,
      collector,
      checker: () => this.host.addon(),
      deleteAgents: async () => {
        const deleted = await this.agents.deleteAll();
        await this.threads.forget();
        return deleted;
      },
      damagedAgents: () => this.agents.damaged(),
      repairAgent: (id) => this.agents.repair(id),
      sweepAgents: () => this.agents.sweep(),
      onChanged: () => this.keeper.changed(),
      keepVerified: (verified) => this.verified.keep(verified),
    });
    const benchRoot = path.join(options.home, "bench");
    this.benchHome = new BenchHome({
      root: path.join(benchRoot, "scratch"),
      models,
      held: this.models,
      gate: this.gate,
      people: this.agents,
      engine: {
        generate: (request) => this.startGeneration(request, models),
        loadModel: (signal) => this.loadModel(signal),
        unloadModel: () => this.gate.unload(),
        status: () => this.status(),
      },
      locks: () => this.host.addon(),
      files,
      clock,
      sampling: () => this.defaultSampling,
      defaultModel: () => this.library.defaultModel,
      storeQuotaBytes: options.storeQuotaBytes,
      log,
    });
    this.bench = new BenchDesk(
      benchRoot,
      () => suites({ options, runtime, library: this.library, loaded: () => this.gate.current?.model }),
      this.benchHome,
      (suite, progress, report) =>
        this.emitter.fire({ type: "bench", suite, ...(progress && { progress }), ...(report && { report }) }),
    );
    const sweeps = [this.agents.sweep(), this.benchHome.sweep(), this.threads.sweep()];
    this.swept = Promise.allSettled(sweeps).then((ended) => {
      for (const sweep of ended) if (sweep.status === "rejected") log.log("warn", toErrorInfo(sweep.reason).what);
    });
    this.agents.onEvent((event) => forwardAgentEvents(event, this.keeper, (out) => this.emitter.fire(out)));
  }

  get onEvent() {
    return this.emitter.event;
  }

  async status(): Promise<ServiceStatus> {
    const loaded = this.gate.current?.model;
    const benchRunning = this.bench.running;
    const lastVerified = await this.verified.get();
    const nextModel = await this.nextModel.describe(this.gate.next);
    return {
      engine: await this.engineState(),
      ...(nextModel && { nextModel }),
      metrics: engineMetrics(loaded),
      ...(loaded === undefined ? {} : { pool: poolStatus(loaded) }),
      store: { ...(await this.keeper.status()), ...(lastVerified && { lastVerified }) },
      agents: await this.agents.list(),
      threads: this.threads.status(loaded === undefined ? 0 : poolStatus(loaded).blockBytes),
      lastBench: await this.bench.reports(),
      ...(benchRunning === undefined ? {} : { benchRunning }),
    };
  }

  diagnose(): Promise<DiagnoseReport> {
    const { options, library } = this;
    return diagnose({ options, library, addon: () => this.host.addon(), loaded: this.gate.current?.model });
  }

  listModels(): Promise<readonly ListedModel[]> {
    return this.library.list(this.gate.current?.directory);
  }

  async deleteModel(directory: string): Promise<ModelDeletion> {
    const model = path.resolve(directory);
    this.library.assertDeletable(model);
    const all = await this.agents.list();
    const agents = all.filter(({ modelDirectory, server }) => modelDirectory === model && server === undefined);
    if (this.gate.current?.directory === model) await this.gate.unload();
    const freedBytes = await this.changingModels(this.library.delete(model));
    return { freedBytes, agents: agents.map(({ name }) => name) };
  }

  inspectModel(directory: string): Promise<ModelDetail> {
    return this.library.inspect(directory);
  }

  templateFacts(directory: string): Promise<TemplateFacts> {
    return readTemplateFacts(path.resolve(directory));
  }

  async chooseModel(directory: string): Promise<ModelSummary> {
    const summary = await this.library.choose(directory);
    this.host.forgetFailure();
    this.emitter.fire({ type: "engine", state: await this.engineState() });
    return summary;
  }

  async loadModel(signal?: AbortSignal): Promise<ModelSummary> {
    const lease = await this.gate.acquire(this.library.defaultModel, signal);
    lease.release();
    return lease.model.summary;
  }

  unloadModel(): Promise<void> {
    this.gate.cancelLoad();
    return this.gate.unload();
  }

  importGguf(request: ImportRequest, onProgress: (progress: Progress) => void, signal?: AbortSignal) {
    return this.changingModels(this.library.import(request, onProgress, signal));
  }

  getStarterModel(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<ModelSummary> {
    return this.changingModels(this.library.getStarter(onProgress, signal));
  }

  async setHubAccess(access: HubAccess): Promise<void> {
    this.hub.setAccess(access);
  }

  searchHub(words: string, signal?: AbortSignal): Promise<HubSearch> {
    return this.hub.search(words, signal);
  }

  describeHubModel(request: HubRequest, signal?: AbortSignal): Promise<HubModel> {
    return this.hub.describe(request, signal);
  }

  async getHubModel(request: HubRequest, onProgress: (progress: Progress) => void, signal?: AbortSignal) {
    const { directory, rounded } = await this.changingModels(this.hub.get(request, onProgress, signal));
    return { ...(await this.library.summarize(directory)), rounded };
  }

  async suggestedModels(): Promise<readonly SuggestedModel[]> {
    return suggestedModels(this.hub.memoryBytes);
  }

  connectServer(request: ConnectServerRequest, signal?: AbortSignal): Promise<ConnectedServer> {
    return this.servers.connect(request, signal);
  }

  listServers(): Promise<readonly ConnectedServer[]> {
    return this.servers.list();
  }

  forgetServer(address: string): Promise<void> {
    return this.servers.forget(address);
  }

  async setServerKeys(keys: Readonly<Record<string, string>>): Promise<void> {
    this.servers.setKeys(keys);
  }

  tryServer(server: AgentServer, signal?: AbortSignal): Promise<ServerTrial> {
    return this.servers.try(server, signal);
  }

  generate(request: GenerateRequest): Running {
    return this.startGeneration(request, this.models);
  }

  /** Tells listeners of the change when it is made. */
  private async changingModels<T>(change: Promise<T>): Promise<T> {
    const result = await change;
    this.emitter.fire({ type: "models" });
    return result;
  }

  private startGeneration(request: GenerateRequest, models: ModelAccess): Running {
    this.numGenerations += 1;
    const id = `g${this.numGenerations}`;
    const { servers, defaultSampling: settings } = this;
    const { defaultModel: modelDirectory } = this.library;
    const running =
      request.server === undefined
        ? startGeneration(id, request, { models, clock, modelDirectory, settings })
        : startServerGeneration(id, request.server, request, { servers, clock, settings });
    this.generations.add(running);
    const forget = () => this.generations.delete(running);
    running.done.then(forget, forget);
    return running;
  }

  chat(request: ChatRequest): Running {
    this.numGenerations += 1;
    const modelDirectory = path.resolve(request.modelDirectory);
    return this.threads.start(`g${this.numGenerations}`, { ...request, modelDirectory });
  }

  countTokens(modelDirectory: string, inputs: readonly CountedInput[]): Promise<readonly number[]> {
    const directory = path.resolve(modelDirectory);
    return Promise.all(inputs.map((input) => this.tokenCounter.count(directory, input)));
  }

  chatModels(): Promise<readonly ChatModel[]> {
    return this.chats.list();
  }

  listAgents(): Promise<readonly AgentSummary[]> {
    return this.agents.list();
  }

  getAgent(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    return this.agents.get(id, newestTurns);
  }

  callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult> {
    return this.agents.callResult(id, turn, call);
  }

  attachmentText(id: AgentId, turn: TurnId, index: number): Promise<string> {
    return this.agents.attachmentText(id, turn, index);
  }

  pinnedText(id: AgentId, path: string): Promise<string> {
    return this.agents.pinnedText(id, path);
  }

  toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]> {
    return this.agents.toldChanges(id, instead);
  }

  findAgent(nameOrId: string): Promise<AgentSummary | undefined> {
    return this.agents.find(nameOrId);
  }

  createAgent(request: CreateAgentRequest): Promise<AgentSummary> {
    const { modelDirectory } = request;
    return this.agents.create(
      modelDirectory === undefined ? request : { ...request, modelDirectory: path.resolve(modelDirectory) },
    );
  }

  renameAgent(id: AgentId, name: string): Promise<AgentSummary> {
    return this.agents.rename(id, name);
  }

  setSystemPrompt(id: AgentId, system: string): Promise<AgentSummary> {
    return this.agents.setSystem(id, system);
  }

  setPinnedFiles(id: AgentId, files: readonly PinnedFile[]): Promise<AgentSummary> {
    return this.agents.setPinnedFiles(id, files);
  }

  forkAgent(id: AgentId, name: string, turn?: TurnId, options?: ForkOptions): Promise<AgentSummary> {
    return this.agents.fork(id, name, turn, options);
  }

  adoptBranch(id: AgentId, from: AgentId, options?: AdoptOptions): Promise<TurnId> {
    return this.agents.adoptBranch(id, from, options);
  }

  compactAgent(
    id: AgentId,
    options: CompactOptions,
    onProgress?: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<AgentSummary> {
    return this.agents.compact(id, options, onProgress, signal);
  }

  copyWithModel(id: AgentId, name: string, modelDirectory: string): Promise<AgentSummary> {
    return this.agents.copyWithModel(id, name, path.resolve(modelDirectory));
  }

  measureWithModel(id: AgentId, modelDirectory: string): Promise<ConversationSize> {
    return this.agents.measureWithModel(id, path.resolve(modelDirectory));
  }

  useServer(id: AgentId, server: AgentServer): Promise<AgentSummary> {
    return this.agents.useServer(id, server);
  }

  useFolder(id: AgentId, modelDirectory: string): Promise<AgentSummary> {
    return this.agents.useFolder(id, path.resolve(modelDirectory));
  }

  rewindAgent(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary> {
    return this.agents.rewind(id, turn);
  }

  startOver(id: AgentId, turns: number): Promise<AgentSummary> {
    return this.agents.startOver(id, turns);
  }

  deleteAgent(id: AgentId): Promise<void> {
    return this.agents.delete(id);
  }

  repairAgent(id: AgentId): Promise<AgentRepair> {
    return this.agents.repair(id);
  }

  warmAgent(id: AgentId, draft?: string, attachments?: readonly Attachment[]): Promise<AgentSummary> {
    return this.agents.warm(id, draft, attachments);
  }

  readAheadResults(id: AgentId, results: readonly ToolResult[]): Promise<AgentSummary> {
    return this.agents.readAheadResults(id, results);
  }

  sendResults(id: AgentId, request: ResultsRequest): Promise<Running> {
    return this.agents.sendResults(id, request);
  }

  send(id: AgentId, request: SendRequest): Promise<Running> {
    return this.agents.send(id, request);
  }

  regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running> {
    return this.agents.regenerate(id, turn, sampling);
  }

  continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<Running> {
    return this.agents.continueAnswer(id, sampling);
  }

  measureDraft(
    id: AgentId,
    draft: string,
    instead?: TurnId,
    attachments?: readonly Attachment[],
  ): Promise<DraftSize | undefined> {
    return this.agents.measureDraft(id, draft, instead, attachments);
  }

  pinAgent(id: AgentId, pinned: boolean): Promise<AgentSummary> {
    return this.agents.pin(id, pinned);
  }

  setAgentSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary> {
    return this.agents.setSampling(id, sampling);
  }

  setAgentTools(id: AgentId, tools: readonly ToolSpec[]): Promise<AgentSummary> {
    return this.agents.setTools(id, tools);
  }

  setAgentThinking(id: AgentId, thinking: Thinking | undefined): Promise<AgentSummary> {
    return this.agents.setThinking(id, thinking);
  }

  async setDefaultSampling(sampling: SamplingOptions): Promise<void> {
    this.defaultSampling = sampling;
  }

  saveAgent(id: AgentId): Promise<AgentSummary> {
    return this.agents.save(id);
  }

  async setShown(id: AgentId, shown: boolean): Promise<void> {
    this.agents.setShown(id, shown);
  }

  async running(id: AgentId): Promise<Running | undefined> {
    return this.agents.running(id);
  }

  storeStats(): Promise<StoreStats> {
    return this.store.stats();
  }

  verifyStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreVerification> {
    return this.store.verify(onProgress, signal);
  }

  collectStore(signal?: AbortSignal): Promise<StoreCollection> {
    return this.store.collect(signal);
  }

  repairStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreRepair> {
    return this.store.repair(onProgress, signal);
  }

  forgetEverything(): Promise<StoreForgotten> {
    return this.store.forget();
  }

  runBench(suite: BenchSuite, onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<BenchReport> {
    return this.bench.run(suite, onProgress, signal);
  }

  async dispose(deadlineMs?: number): Promise<void> {
    const ending = this.end();
    if (deadlineMs === undefined) return ending;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), deadlineMs);
    });
    const outcome = await Promise.race([ending, late]).finally(() => clearTimeout(timer));
    if (outcome === "late") this.log.log("warn", `saving had not finished after ${deadlineMs} ms`);
  }

  private async end(): Promise<void> {
    this.idleUnload.dispose();
    for (const running of this.generations) running.abort();
    this.threads.stop();
    await Promise.allSettled([...this.generations].map((running) => running.done));
    await this.swept;
    const benchEnded = this.bench.close();
    await this.benchHome.close();
    await this.agents.close();
    await this.threads.close();
    await benchEnded;
    this.servers.close();
    await this.gate.close();
    await this.keeper.close();
    this.emitter.dispose();
  }

  private async unloadWhenIdle(): Promise<void> {
    this.log.log("info", "the model was unused for a while: its agents are saved and its memory is freed");
    await this.gate.unload();
  }

  /** The engine's state. Before anything was loaded, it says whether there is a model to load. */
  private async engineState(): Promise<ServiceStatus["engine"]> {
    const { state } = this.host;
    if (state.type !== "idle") return state;
    try {
      await this.library.summarize(this.library.defaultModel);
      return state;
    } catch (error) {
      if (error instanceof AbortedError) return state;
      return { type: "noModel", error: toErrorInfo(error) };
    }
  }
}
