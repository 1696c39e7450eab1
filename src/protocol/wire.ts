/**
 * Messages between a program and a core that runs elsewhere (src/service/remote): calls with ids, their results,
 * events, and cancellation by id. All messages are structured-clonable. The client posts `ToServer`, the server posts
 * batches of `ToClient`; messages of one side arrive in order.
 */
import type { ErrorInfo } from "../common/errors";
import type { LogLevel } from "../common/log";
import type {
  AgentId,
  AgentServer,
  AgentSummary,
  BenchReport,
  BenchSuite,
  ChatRequest,
  CompactOptions,
  ConnectedServer,
  ConnectServerRequest,
  GenerateRequest,
  GenerationEvent,
  HubModel,
  HubRequest,
  HubSearch,
  ImportedModel,
  ImportRequest,
  ModelSummary,
  Progress,
  ResidentService,
  ResultsRequest,
  RunningId,
  SamplingOptions,
  SendRequest,
  ServerTrial,
  ServiceEvent,
  StoreCollection,
  StoreRepair,
  StoreVerification,
  TurnId,
} from "./service";

/** Methods of the door whose arguments or results are not only plain data. */
type Adapted =
  | "onEvent"
  | "loadModel"
  | "importGguf"
  | "getStarterModel"
  | "searchHub"
  | "describeHubModel"
  | "getHubModel"
  | "connectServer"
  | "tryServer"
  | "generate"
  | "chat"
  | "send"
  | "sendResults"
  | "regenerate"
  | "continueAnswer"
  | "compactAgent"
  | "running"
  | "verifyStore"
  | "collectStore"
  | "repairStore"
  | "runBench";

/** The door as calls whose arguments and results are plain data: callbacks and signals are tied to the call's id. */
export interface WireCalls extends Omit<ResidentService, Adapted> {
  loadModel(): Promise<ModelSummary>;
  importGguf(request: ImportRequest): Promise<ImportedModel>;
  getStarterModel(): Promise<ModelSummary>;
  searchHub(words: string): Promise<HubSearch>;
  describeHubModel(request: HubRequest): Promise<HubModel>;
  getHubModel(request: HubRequest): Promise<ImportedModel>;
  connectServer(request: ConnectServerRequest): Promise<ConnectedServer>;
  tryServer(server: AgentServer): Promise<ServerTrial>;
  /** `as` is the caller's name for the answer. Resolves when it has started; its failure is an event. */
  generate(as: RunningId, request: GenerateRequest): Promise<void>;
  chat(as: RunningId, request: ChatRequest): Promise<void>;
  send(id: AgentId, request: SendRequest): Promise<RunningId>;
  sendResults(id: AgentId, request: ResultsRequest): Promise<RunningId>;
  regenerate(id: AgentId, turn?: TurnId, sampling?: SamplingOptions): Promise<RunningId>;
  continueAnswer(id: AgentId, sampling?: SamplingOptions): Promise<RunningId>;
  running(id: AgentId): Promise<RunningId | undefined>;
  compactAgent(id: AgentId, options: CompactOptions): Promise<AgentSummary>;
  verifyStore(): Promise<StoreVerification>;
  collectStore(): Promise<StoreCollection>;
  repairStore(): Promise<StoreRepair>;
  runBench(suite: BenchSuite): Promise<BenchReport>;
}

export type WireMethod = keyof WireCalls;

/** Arguments and result of each call. */
type WireShapes = {
  readonly [M in WireMethod]: {
    readonly args: Readonly<Parameters<WireCalls[M]>>;
    readonly result: Awaited<ReturnType<WireCalls[M]>>;
  };
};
export type WireArguments<M extends WireMethod> = WireShapes[M]["args"];
export type WireResult<M extends WireMethod> = WireShapes[M]["result"];

/** Chosen by the caller; unique during the life of its port. */
export type CallId = number;

export interface CallMessage<M extends WireMethod = WireMethod> {
  readonly type: "call";
  readonly id: CallId;
  readonly method: M;
  readonly args: WireArguments<M>;
}

export type ControlMessage =
  /** The call's AbortSignal was aborted. */
  | { readonly type: "cancel"; readonly id: CallId }
  | { readonly type: "abort"; readonly running: RunningId }
  /** The last batch was processed: the next one may be posted. */
  | { readonly type: "taken" };

export type ToServer = { readonly [M in WireMethod]: CallMessage<M> }[WireMethod] | ControlMessage;

export interface ResultMessage<M extends WireMethod = WireMethod> {
  readonly type: "result";
  readonly id: CallId;
  readonly method: M;
  readonly value: WireResult<M>;
}

export type ToClient =
  | ResultMessage
  | { readonly type: "refused"; readonly id: CallId; readonly error: ErrorInfo }
  | { readonly type: "progress"; readonly id: CallId; readonly progress: Progress }
  | { readonly type: "event"; readonly event: ServiceEvent }
  /** An event of a running answer. Its first event comes after the result that named it. */
  | { readonly type: "running"; readonly running: RunningId; readonly event: GenerationEvent }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string };
