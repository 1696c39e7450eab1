import { RunningAnswer } from "../../agents/runningAnswer";
import type { Attachment, PinnedFile } from "../../common/attachments";
import { DisposableStore } from "../../common/disposables";
import { AbortedError, EngineEndedError, type ResidentError, toErrorInfo } from "../../common/errors";
import { Emitter } from "../../common/events";
import type { Log } from "../../common/log";
import type { Thinking } from "../../common/thinking";
import type { ToolResult, ToolSpec } from "../../common/tools";
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
  GenerationEvent,
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
  RunningId,
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
  TurnId,
} from "../../protocol/service";
import type { ToClient, WireArguments, WireMethod, WireResult } from "../../protocol/wire";
import { type CallOptions, type FromClient, PendingCalls } from "./pendingCalls";
import type { Port } from "./port";

export type ClientPort = Port<FromClient, readonly ToClient[]>;

/** Extra time, after the core's deadline, for its message that it has ended. */
const graceMs = 250;

/**
 * The door to a core behind a port. When the other end is gone, all running and all later calls fail with ENGINE_ENDED.
 */
export class RemoteService implements ResidentService {
  private readonly emitter: Emitter<ServiceEvent>;
  private readonly listening = new DisposableStore();
  private readonly calls: PendingCalls;
  private readonly answers = new Map<RunningId, RunningAnswer>();
  private numGenerations = 0;
  /** Why no call is possible any more. */
  private ended: ResidentError | undefined;

  constructor(
    private readonly port: ClientPort,
    private readonly log: Log,
  ) {
    this.emitter = new Emitter((error) => log.log("error", `a listener failed: ${toErrorInfo(error).what}`));
    this.calls = new PendingCalls((message) => port.post(message));
    this.listening.add(port.onMessage((batch) => this.takeAll(batch)));
    this.listening.add(port.onClose((reason) => this.lose(reason)));
  }

  get onEvent() {
    return this.emitter.event;
  }

  status(): Promise<ServiceStatus> {
    return this.call("status", []);
  }

  diagnose(): Promise<DiagnoseReport> {
    return this.call("diagnose", []);
  }

  listModels(): Promise<readonly ListedModel[]> {
    return this.call("listModels", []);
  }

  deleteModel(directory: string): Promise<ModelDeletion> {
    return this.call("deleteModel", [directory]);
  }

  inspectModel(directory: string): Promise<ModelDetail> {
    return this.call("inspectModel", [directory]);
  }

  templateFacts(directory: string): Promise<TemplateFacts> {
    return this.call("templateFacts", [directory]);
  }

  chooseModel(directory: string): Promise<ModelSummary> {
    return this.call("chooseModel", [directory]);
  }

  loadModel(signal?: AbortSignal): Promise<ModelSummary> {
    return this.call("loadModel", [], { signal });
  }

  unloadModel(): Promise<void> {
    return this.call("unloadModel", []);
  }

  importGguf(request: ImportRequest, onProgress: (progress: Progress) => void, signal?: AbortSignal) {
    return this.call("importGguf", [request], { onProgress, signal });
  }

  getStarterModel(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<ModelSummary> {
    return this.call("getStarterModel", [], { onProgress, signal });
  }

  setHubAccess(access: HubAccess): Promise<void> {
    return this.call("setHubAccess", [access]);
  }

  searchHub(words: string, signal?: AbortSignal): Promise<HubSearch> {
    return this.call("searchHub", [words], { signal });
  }

  describeHubModel(request: HubRequest, signal?: AbortSignal): Promise<HubModel> {
    return this.call("describeHubModel", [request], { signal });
  }

  getHubModel(request: HubRequest, onProgress: (progress: Progress) => void, signal?: AbortSignal) {
    return this.call("getHubModel", [request], { onProgress, signal });
  }

  suggestedModels(): Promise<readonly SuggestedModel[]> {
    return this.call("suggestedModels", []);
  }

  connectServer(request: ConnectServerRequest, signal?: AbortSignal): Promise<ConnectedServer> {
    return this.call("connectServer", [request], { signal });
  }

  listServers(): Promise<readonly ConnectedServer[]> {
    return this.call("listServers", []);
  }

  forgetServer(address: string): Promise<void> {
    return this.call("forgetServer", [address]);
  }

  setServerKeys(keys: Readonly<Record<string, string>>): Promise<void> {
    return this.call("setServerKeys", [keys]);
  }

  tryServer(server: AgentServer, signal?: AbortSignal): Promise<ServerTrial> {
    return this.call("tryServer", [server], { signal });
  }

  generate(request: GenerateRequest): Running {
    this.numGenerations += 1;
    const answer = this.answer(`generation ${this.numGenerations}`);
    this.call("generate", [answer.id, request]).catch((error: unknown) => this.fail(answer, error));
    return answer;
  }

  chat(request: ChatRequest): Running {
    this.numGenerations += 1;
    const answer = this.answer(`generation ${this.numGenerations}`);
    this.call("chat", [answer.id, request]).catch((error: unknown) => this.fail(answer, error));
    return answer;
  }

  countTokens(modelDirectory: string, inputs: readonly CountedInput[]): Promise<readonly number[]> {
    return this.call("countTokens", [modelDirectory, inputs]);
  }

  chatModels(): Promise<readonly ChatModel[]> {
    return this.call("chatModels", []);
  }

  listAgents(): Promise<readonly AgentSummary[]> {
    return this.call("listAgents", []);
  }

  getAgent(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    return this.call("getAgent", [id, newestTurns]);
  }

  callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult> {
    return this.call("callResult", [id, turn, call]);
  }

  attachmentText(id: AgentId, turn: TurnId, index: number): Promise<string> {
    return this.call("attachmentText", [id, turn, index]);
  }

  pinnedText(id: AgentId, path: string): Promise<string> {
    return this.call("pinnedText", [id, path]);
  }

  toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]> {
    return this.call("toldChanges", [id, instead]);
  }

  findAgent(nameOrId: string): Promise<AgentSummary | undefined> {
    return this.call("findAgent", [nameOrId]);
  }

  createAgent(request: CreateAgentRequest): Promise<AgentSummary> {
    return this.call("createAgent", [request]);
  }

  renameAgent(id: AgentId, name: string): Promise<AgentSummary> {
    return this.call("renameAgent", [id, name]);
  }

  setSystemPrompt(id: AgentId, system: string): Promise<AgentSummary> {
    return this.call("setSystemPrompt", [id, system]);
  }

  setPinnedFiles(id: AgentId, files: readonly PinnedFile[]): Promise<AgentSummary> {
    return this.call("setPinnedFiles", [id, files]);
  }

  forkAgent(id: AgentId, name: string, turn?: TurnId, options?: ForkOptions): Promise<AgentSummary> {
    return this.call("forkAgent", [id, name, turn, options]);
  }

  adoptBranch(id: AgentId, from: AgentId, options?: AdoptOptions): Promise<TurnId> {
    return this.call("adoptBranch", [id, from, options]);
  }

  compactAgent(
    id: AgentId,
    options: CompactOptions,
    onProgress?: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<AgentSummary> {
    return this.call("compactAgent", [id, options], { onProgress, signal });
  }

  copyWithModel(id: AgentId, name: string, modelDirectory: string): Promise<AgentSummary> {
    return this.call("copyWithModel", [id, name, modelDirectory]);
  }

  measureWithModel(id: AgentId, modelDirectory: string): Promise<ConversationSize> {
    return this.call("measureWithModel", [id, modelDirectory]);
  }

  useServer(id: AgentId, server: AgentServer): Promise<AgentSummary> {
    return this.call("useServer", [id, server]);
  }

  useFolder(id: AgentId, modelDirectory: string): Promise<AgentSummary> {
    return this.call("useFolder", [id, modelDirectory]);
  }

  rewindAgent(id: AgentId, turn: TurnId | undefined): Promise<AgentSummary> {
    return this.call("rewindAgent", [id, turn]);
  }

  startOver(id: AgentId, turns: number): Promise<AgentSummary> {
    return this.call("startOver", [id, turns]);
  }

  deleteAgent(id: AgentId): Promise<void> {
    return this.call("deleteAgent", [id]);
  }

  repairAgent(id: AgentId): Promise<AgentRepair> {
    return this.call("repairAgent", [id]);
  }

  warmAgent(id: AgentId, draft?: string, attachments?: readonly Attachment[]): Promise<AgentSummary> {
    return this.call("warmAgent", [id, draft, attachments]);
  }

  readAheadResults(id: AgentId, results: readonly ToolResult[]): Promise<AgentSummary> {
    return this.call("readAheadResults", [id, results]);
  }

  sendResults(id: AgentId, request: ResultsRequest): Promise<Running> {
    return this.ask("sendResults", [id, request], (running) => this.answer(running));
  }

  send(id: AgentId, request: SendRequest): Promise<Running> {
    return this.ask("send", [id, request], (running) => this.answer(running));
  }

  regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<Running> {
    return this.ask("regenerate", [id, turn, sampling], (running) => this.answer(running));
  }

  continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<Running> {
    return this.ask("continueAnswer", [id, sampling], (running) => this.answer(running));
  }

  measureDraft(
    id: AgentId,
    draft: string,
    instead?: TurnId,
    attachments?: readonly Attachment[],
  ): Promise<DraftSize | undefined> {
    return this.call("measureDraft", [id, draft, instead, attachments]);
  }

  saveAgent(id: AgentId): Promise<AgentSummary> {
    return this.call("saveAgent", [id]);
  }

  pinAgent(id: AgentId, pinned: boolean): Promise<AgentSummary> {
    return this.call("pinAgent", [id, pinned]);
  }

  setAgentSampling(id: AgentId, sampling: AgentSampling): Promise<AgentSummary> {
    return this.call("setAgentSampling", [id, sampling]);
  }

  setAgentTools(id: AgentId, tools: readonly ToolSpec[]): Promise<AgentSummary> {
    return this.call("setAgentTools", [id, tools]);
  }

  setAgentThinking(id: AgentId, thinking: Thinking | undefined): Promise<AgentSummary> {
    return this.call("setAgentThinking", [id, thinking]);
  }

  setDefaultSampling(sampling: SamplingOptions): Promise<void> {
    return this.call("setDefaultSampling", [sampling]);
  }

  setShown(id: AgentId, shown: boolean): Promise<void> {
    return this.call("setShown", [id, shown]);
  }

  running(id: AgentId): Promise<Running | undefined> {
    return this.ask("running", [id], (running) => (running === undefined ? undefined : this.answer(running)));
  }

  storeStats(): Promise<StoreStats> {
    return this.call("storeStats", []);
  }

  verifyStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreVerification> {
    return this.call("verifyStore", [], { onProgress, signal });
  }

  collectStore(signal?: AbortSignal): Promise<StoreCollection> {
    return this.call("collectStore", [], { signal });
  }

  repairStore(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<StoreRepair> {
    return this.call("repairStore", [], { onProgress, signal });
  }

  forgetEverything(): Promise<StoreForgotten> {
    return this.call("forgetEverything", []);
  }

  runBench(suite: BenchSuite, onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<BenchReport> {
    return this.call("runBench", [suite], { onProgress, signal });
  }

  /** A core that does not end in time is terminated. */
  async dispose(deadlineMs?: number): Promise<void> {
    if (this.ended === undefined) {
      const ended = new AbortedError("the engine is shutting down");
      const ending = this.call("dispose", [deadlineMs]).catch((error: unknown) => {
        if (error !== ended) this.log.log("error", `the engine did not end cleanly: ${toErrorInfo(error).what}`);
      });
      this.ended = ended;
      if (deadlineMs === undefined) await ending;
      else if (!(await endsWithin(deadlineMs + graceMs, ending))) {
        this.log.log("warn", `the engine did not end within ${deadlineMs} ms`);
      }
    }
    await this.port.close();
    this.failAll(this.ended);
    this.listening.dispose();
    this.emitter.dispose();
  }

  private call<M extends WireMethod>(method: M, args: WireArguments<M>, options?: CallOptions) {
    return this.ask(method, args, (value) => value, options);
  }

  private ask<M extends WireMethod, R>(
    method: M,
    args: WireArguments<M>,
    adapt: (value: WireResult<M>) => R,
    options?: CallOptions,
  ): Promise<R> {
    return this.ended === undefined ? this.calls.call(method, args, adapt, options) : Promise.reject(this.ended);
  }

  /** The running answer with this name. A new one gets its events from the first on. */
  private answer(id: RunningId): RunningAnswer {
    const known = this.answers.get(id);
    if (known) return known;
    const answer = new RunningAnswer(id);
    answer.signal.addEventListener("abort", () => this.port.post({ type: "abort", running: id }), { once: true });
    this.answers.set(id, answer);
    return answer;
  }

  private takeAll(batch: readonly ToClient[]): void {
    // First, so that the server prepares the next batch while this one is processed.
    this.port.post({ type: "taken" });
    for (const message of batch) {
      try {
        this.take(message);
      } catch (error) {
        // A listener failed: the rest of the batch must still be delivered.
        this.log.log("error", `a listener failed: ${toErrorInfo(error).what}`);
      }
    }
  }

  private take(message: ToClient): void {
    switch (message.type) {
      case "event":
        this.emitter.fire(message.event);
        break;
      case "running":
        this.deliver(message.running, message.event);
        break;
      case "log":
        this.log.log(message.level, message.message);
        break;
      case "result":
      case "refused":
      case "progress":
        this.calls.take(message);
        break;
    }
  }

  private deliver(id: RunningId, event: GenerationEvent): void {
    const answer = this.answers.get(id);
    if (event.type === "done" || event.type === "failed") this.answers.delete(id);
    if (event.type === "done") answer?.finish(event);
    else if (event.type === "failed") answer?.fail(event.error);
    else answer?.emit(event);
  }

  private fail(answer: RunningAnswer, error: unknown): void {
    if (this.answers.delete(answer.id)) answer.fail(error);
  }

  private lose(reason: string): void {
    if (this.ended !== undefined) {
      this.failAll(this.ended);
      return;
    }
    this.ended = new EngineEndedError(reason);
    this.log.log("error", `the engine ended unexpectedly: ${reason}`);
    this.failAll(this.ended);
    const error = this.ended.toInfo();
    this.emitter.fire({ type: "engine", state: { type: "failed", error } });
    this.emitter.fire({ type: "ended", error });
  }

  private failAll(error: ResidentError): void {
    this.calls.refuseAll(error);
    for (const answer of [...this.answers.values()]) this.fail(answer, error);
  }
}

/** `false` when it has not ended in time. */
async function endsWithin(limitMs: number, work: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  return Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer));
}
