/** One complete sample of all data that crosses the door. */
import type { Attachment, PinnedFile } from "../../../src/common/attachments";
import { Emitter } from "../../../src/common/events";
import type {
  AgentDetail,
  AgentId,
  AgentRepair,
  AgentServer,
  AgentSummary,
  BenchReport,
  BenchSuite,
  ChatModel,
  ChatRequest,
  CompactOptions,
  ConnectedServer,
  ConnectServerRequest,
  DiagnoseReport,
  EngineState,
  FileTotals,
  GenerationEvent,
  HubModel,
  HubRequest,
  HubSearch,
  ImportedModel,
  ImportRequest,
  ListedModel,
  MemoryFit,
  ModelDetail,
  ModelSummary,
  Progress,
  ResidentService,
  Running,
  SamplingOptions,
  ServerTrial,
  ServiceEvent,
  ServiceStatus,
  StoreCollection,
  StoreRepair,
  StoreStats,
  StoreVerification,
  SuggestedModel,
  TemplateFacts,
  TurnFigures,
  TurnView,
} from "../../../src/protocol/service";
import type { WireMethod } from "../../../src/protocol/wire";
import { FakeRunning } from "../extension/fakeService";

const error = {
  code: "DISK_FULL",
  what: "the disk is full",
  advice: "free some",
  facts: { path: "/", free: 0 },
} as const;
const progress: Progress = { done: 1, total: 2, unit: "tensors", message: "half" };

const figures: TurnFigures = {
  promptTokens: 30,
  reusedTokens: 20,
  prefilledTokens: 10,
  generatedTokens: 2,
  guessedTokens: 1,
  recomputedTokens: 1,
  ttftMs: 84,
  restoreMs: 3,
  waitMs: 2100,
  modelMs: 1800,
  decodeTokensPerSecond: 11,
  by: "server",
  untold: ["generated"],
  cache: { tier: "warm", refused: { code: "STORE_CORRUPT", reason: "a checksum", atToken: 20 } },
  departure: { atToken: 20, before: "…10:41:07", now: "…10:42:19" },
};

const done = {
  type: "done",
  text: "Hi",
  tokenIds: [1, 2],
  finishReason: "stop",
  figures,
  saveError: error,
} as const;

/** Every kind of event of an answer; the last one ends it. */
const generationEvents: readonly GenerationEvent[] = [
  { type: "continues", text: "Well" },
  { type: "waitingModel", reason: "another model is in use" },
  { type: "queued", neededBlocks: 3, turnsAhead: 1 },
  { type: "restoring", tokens: 20 },
  { type: "prefill", done: 1, total: 10, reused: 20, tokensPerSecond: 100 },
  { type: "text", text: "Hi", figures },
  done,
];

const model: ModelSummary = {
  directory: "/models/starter",
  name: "starter",
  architecture: "llama",
  quantization: "4-bit",
  weightBytes: 98_000_000,
  contextTokens: 8192,
  isStarter: true,
  problem: error,
};

const fit: MemoryFit = {
  weightBytes: 2_000_000_000,
  tokens: 32_000,
  kvBytes: 1_000_000_000,
  totalBytes: 3_000_000_000,
  memoryBytes: 16_000_000_000,
  verdict: "fits",
};

const listedModel: ListedModel = {
  ...model,
  source: "found",
  program: "LM Studio",
  hubName: "maker/Model-4bit",
  isLoaded: true,
  isDeletable: false,
  fit,
};

const templateFacts: TemplateFacts = {
  hasChatTemplate: true,
  thinkingChoices: ["on", "off"],
  insistsOnDate: false,
  takesTools: true,
};

const modelDetail: ModelDetail = {
  ...model,
  numLayers: 30,
  numHeads: 9,
  numKvHeads: 3,
  headDim: 64,
  vocabSize: 49152,
  kvBytesPerToken: 46080,
  ...templateFacts,
  eosTokens: ["<|im_end|>"],
  leftOut: [],
};

const hubModel: HubModel = {
  name: "maker/Model-4bit",
  revision: "main",
  commit: "0123456789abcdef",
  family: "qwen3",
  quantization: "4-bit",
  licence: "apache-2.0",
  gated: false,
  contextTokens: 40_960,
  usesTools: true,
  downloadBytes: 2_000_000_000,
  fit,
  variants: [{ quantization: "Q4_K_M", downloadBytes: 2_000_000_000, fit }],
};

const hubSearch: HubSearch = {
  models: [{ name: "maker/Model-4bit", family: "qwen3", licence: "apache-2.0", gated: false, downloads: 7 }],
  others: [{ family: "qwen3_5", count: 2, missing: "state layers" }],
};

const suggested: SuggestedModel = { name: "maker/Model-4bit", machineGB: 16, reason: "it fits", fit };
const hubRequest: HubRequest = { name: "maker/Model-4bit:main", quantization: "Q4_K_M" };

const agentServer: AgentServer = { address: "https://studio.example/v1", model: "large" };

const connectedServer: ConnectedServer = {
  address: agentServer.address,
  host: "studio.example",
  models: [{ name: "large", contextTokens: 32768 }, { name: "small" }],
  isRemote: true,
  hasKey: true,
};

const digest = "0123456789abcdef".repeat(4);
const attachment: Attachment = {
  kind: "selection",
  path: "src/a.ts",
  range: { from: 3, to: 9 },
  digest,
  text: "let a;",
};
const pinnedFile: PinnedFile = { path: "src/b.ts", digest, text: "let b;" };

const agent: AgentSummary = {
  id: "a",
  server: agentServer,
  name: "Ada",
  modelDirectory: "/models/starter",
  modelName: "starter",
  index: 0,
  tier: "hot",
  state: "answering",
  tokens: 32,
  hotTokens: 32,
  diskTokens: 30,
  diskBytes: 4096,
  contextTokens: 8192,
  turnCount: 1,
  createdAt: 1,
  lastUsedAt: 2,
  pinned: true,
  sampling: { temperature: 0.5, seed: 7 },
  delegateOf: "b",
  files: [{ path: "src/b.ts", digest, length: 6, tokens: 12 }],
  filesRead: { reused: 20, prefilled: 12 },
  reading: { done: 4, total: 12 },
  lockedElsewhere: false,
  damage: error,
};

const turn: TurnView = {
  id: "t1",
  parent: "t0",
  user: "Hello",
  attachments: [{ kind: "selection", path: "src/a.ts", range: { from: 3, to: 9 }, digest, length: 6 }],
  answer: "Hi",
  state: "failed",
  finishReason: "length",
  figures,
  error,
  saveError: error,
  summary: { turns: 3, leftOut: 1 },
  createdAt: 1,
};

const detail: AgentDetail = {
  ...agent,
  system: "Be brief",
  contextParts: { instructions: 8, files: 12, conversation: 12 },
  turns: [turn],
  branches: [
    { turn: "t2", current: false, isEnd: true, user: "Hello", answer: "Hi", turns: 2, tokens: 7, createdAt: 1 },
  ],
  branchCount: 1,
};

const report: BenchReport = {
  suite: "engine",
  at: "2026-01-01T00:00:00Z",
  machine: "a machine",
  rows: [{ case: "x", n: 1, p50Ms: 1, p95Ms: 2, p99Ms: 3, geometry: "4 × 4", bytes: 1, identical: true }],
};

const diagnosis: DiagnoseReport = { sections: [{ title: "Engine", lines: [["MLX", "0.32"]] }] };

const status: ServiceStatus = {
  engine: { type: "loading", model: "starter", done: 1, total: 2 },
  nextModel: { name: "starter", turnsAhead: 1, weightBytes: 2 },
  metrics: {
    kvCacheUsage: 0.5,
    prefixCacheQueries: 2,
    prefixCacheHits: 1,
    numRequestsRunning: 1,
    numRequestsWaiting: 1,
    numPreemptions: 1,
    specDecodeNumDraftTokens: 4,
    specDecodeNumAcceptedTokens: 3,
    decodeTokensPerSecond: 10,
    prefillTokensPerSecond: 100,
    ttftP50Ms: 1,
    ttftP95Ms: 2,
    movedSlabs: 0,
  },
  pool: {
    bytes: 6 * 2 ** 20,
    totalBlocks: 4,
    usedBlocks: 1,
    reusableBlocks: 1,
    freeBlocks: 2,
    blockTokens: 64,
    blockBytes: 2 ** 20,
    window: { totalBlocks: 2, usedBlocks: 1 },
    reduced: { wantedBytes: 2 ** 30, reason: "8.0 MB of memory were free" },
    map: [
      { kind: "agent", agent: "a", count: 1 },
      { kind: "free", count: 3 },
    ],
  },
  store: {
    path: "/store",
    objects: 1,
    bytes: 2,
    quotaBytes: 3,
    refused: 1,
    lastRefusal: "a checksum",
    lastSaveError: error,
  },
  agents: [agent],
  threads: {
    count: 1,
    bytes: 4096,
    recent: [{ at: 1, modelName: "starter", conversation: "c1", isShort: false, figures }],
  },
  lastBench: [report],
  benchRunning: { suite: "soak", progress },
};

const engineStates: readonly EngineState[] = [
  { type: "idle" },
  { type: "noModel", error },
  { type: "addonMissing", error },
  { type: "loading", model: "starter", done: 1, total: 2 },
  { type: "ready", model, device: "cpu", mlxVersion: "0.32" },
  { type: "failed", error },
];

/** Every kind of event of a service except "ended", which the client itself creates. */
export const serviceEvents: readonly ServiceEvent[] = [
  ...engineStates.map((state) => ({ type: "engine", state }) as const),
  { type: "agent", id: "a", summary: agent },
  { type: "turnStarted", id: "a", turn: "t1" },
  { type: "turnEnded", id: "a", turn: "t1" },
  { type: "models" },
  { type: "bench", suite: "engine", progress, report },
  { type: "agent", id: "a" },
];

const sampling: SamplingOptions = {
  temperature: 0.5,
  topK: 1,
  topP: 0.9,
  minP: 0.1,
  repetitionPenalty: 1.1,
  presencePenalty: 0.1,
  frequencyPenalty: 0.1,
  seed: 7,
  logitBias: { 1: -1 },
  stop: ["."],
  maxTokens: 3,
};

const importRequest = { file: "/x.gguf", name: "x", target: "/models/x", replace: true };
const totals: FileTotals = { objects: 3, bytes: 4096 };

const agentRepair: AgentRepair = {
  id: "a",
  name: "Ada",
  wasWhole: false,
  keptTurns: 4,
  lostTurns: 1,
  lostRecords: 2,
  damages: ["line 9 of turns.log: its checksum is wrong"],
  lostFrom: { record: 9, byte: 1234 },
  keptFiles: ["turns.log.damaged-1"],
};

const storeStats: StoreStats = {
  ...totals,
  path: "/home/store",
  quotaBytes: 1e9,
  freeDiskBytes: 2e9,
  models: [{ ...totals, folder: "abc", name: "starter" }],
  referenced: totals,
  unreferenced: totals,
  agents: 2,
  agentFiles: totals,
  unknown: [{ agent: "b", reason: "its manifest is damaged" }],
};

const collection: StoreCollection = { removed: totals, temporaryFiles: 1, young: totals, unknown: storeStats.unknown };

const verification: StoreVerification = {
  checked: totals,
  problems: [{ path: "/home/store/x.safetensors", bytes: 12, code: "checksum", reason: "checksum differs" }],
  stopped: false,
};

const generateRequest = { prompt: "Hello", raw: true, system: "Be brief", sampling, promptLookup: false };
const chatModel: ChatModel = {
  directory: "/models/starter",
  name: "starter",
  family: "llama",
  maxInputTokens: 6144,
  maxOutputTokens: 2048,
  takesTools: false,
  whyNoTools: "its chat template has no place for tools",
};
const createRequest = {
  name: "Ada",
  system: "Be brief",
  modelDirectory: "/models/starter",
  allowUnreadable: true,
};
const tool = {
  name: "weather",
  description: "Tells the weather of a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const sendRequest = { text: "Hello", attachments: [attachment], sampling, isOneOfSeveral: true };
const chatRequest: ChatRequest = {
  modelDirectory: "/models/starter",
  messages: [
    { role: "system", content: "Be brief" },
    { role: "user", content: "How warm is it?" },
    {
      role: "assistant",
      content: "I look.",
      thought: "<think>the weather</think>",
      raw: "I look.<tool_call>",
      calls: [{ id: "c1", name: "weather", arguments: { city: "Paris" } }],
    },
    { role: "tool", content: "20 degrees", call: "c1", name: "weather", failed: true },
  ],
  tools: [tool],
  toolMode: "required",
  thinking: "off",
  sampling,
  conversation: "c1",
};

/** One call of every method of the wire, with every argument. Each resolves with plain data or an answer. */
export const sampleCalls: { readonly [M in WireMethod]: (door: ResidentService) => Promise<unknown> } = {
  status: (door) => door.status(),
  diagnose: (door) => door.diagnose(),
  listModels: (door) => door.listModels(),
  deleteModel: (door) => door.deleteModel("/models/starter"),
  inspectModel: (door) => door.inspectModel("/models/starter"),
  templateFacts: (door) => door.templateFacts("/models/starter"),
  chooseModel: (door) => door.chooseModel("/models/starter"),
  loadModel: (door) => door.loadModel(),
  unloadModel: (door) => door.unloadModel(),
  importGguf: (door) => withProgress((tell) => door.importGguf(importRequest, tell)),
  getStarterModel: (door) => withProgress((tell) => door.getStarterModel(tell)),
  setHubAccess: (door) => door.setHubAccess({ endpoint: "https://mirror.example", token: "t", proxy: "http://proxy" }),
  searchHub: (door) => door.searchHub("qwen"),
  describeHubModel: (door) => door.describeHubModel(hubRequest),
  getHubModel: (door) => withProgress((tell) => door.getHubModel(hubRequest, tell)),
  suggestedModels: (door) => door.suggestedModels(),
  connectServer: (door) => door.connectServer({ address: agentServer.address, key: "k", mayLeave: true }),
  listServers: (door) => door.listServers(),
  forgetServer: (door) => door.forgetServer(agentServer.address),
  setServerKeys: (door) => door.setServerKeys({ [agentServer.address]: "k" }),
  tryServer: (door) => door.tryServer(agentServer),
  generate: (door) => told(door.generate(generateRequest)),
  chat: (door) => told(door.chat(chatRequest)),
  countTokens: (door) => door.countTokens("/models/starter", ["Hello", chatRequest.messages]),
  chatModels: (door) => door.chatModels(),
  listAgents: (door) => door.listAgents(),
  getAgent: (door) => door.getAgent("a", 2),
  callResult: (door) => door.callResult("a", "t2", "c1"),
  attachmentText: (door) => door.attachmentText("a", "t1", 0),
  pinnedText: (door) => door.pinnedText("a", "src/a.ts"),
  toldChanges: (door) => door.toldChanges("a", "t2"),
  findAgent: (door) => door.findAgent("Ada"),
  createAgent: (door) => door.createAgent(createRequest),
  renameAgent: (door) => door.renameAgent("a", "Grace"),
  setSystemPrompt: (door) => door.setSystemPrompt("a", "Be kind"),
  setPinnedFiles: (door) => door.setPinnedFiles("a", [pinnedFile]),
  forkAgent: (door) => door.forkAgent("a", "Copy", "t1", { delegateOf: "b" }),
  adoptBranch: (door) => door.adoptBranch("a", "b", { asHead: true }),
  compactAgent: (door) => withProgress((tell) => door.compactAgent("a", { turns: 2 }, tell)),
  copyWithModel: (door) => door.copyWithModel("a", "Copy", "/models/other"),
  measureWithModel: (door) => door.measureWithModel("a", "/models/other"),
  useServer: (door) => door.useServer("a", agentServer),
  useFolder: (door) => door.useFolder("a", "/models/other"),
  rewindAgent: (door) => door.rewindAgent("a", "t1"),
  startOver: (door) => door.startOver("a", 1),
  deleteAgent: (door) => door.deleteAgent("a"),
  repairAgent: (door) => door.repairAgent("a"),
  warmAgent: (door) => door.warmAgent("a", "a draft", [attachment]),
  readAheadResults: (door) => door.readAheadResults("a", [{ call: "c1", text: "20 degrees", failed: true }]),
  send: async (door) => told(await door.send("a", sendRequest)),
  regenerate: async (door) => told(await door.regenerate("a", "t1", sampling)),
  continueAnswer: async (door) => told(await door.continueAnswer("a", sampling)),
  measureDraft: (door) => door.measureDraft("a", "a draft", "t1", [attachment]),
  saveAgent: (door) => door.saveAgent("a"),
  pinAgent: (door) => door.pinAgent("a", true),
  setAgentTools: (door) => door.setAgentTools("a", [tool]),
  sendResults: async (door) =>
    told(await door.sendResults("a", { results: [{ call: "c1", text: "20 degrees" }], sampling })),
  setAgentThinking: (door) => door.setAgentThinking("a", "on"),
  setAgentSampling: (door) => door.setAgentSampling("a", { temperature: 0.5, topK: 1 }),
  setDefaultSampling: (door) => door.setDefaultSampling(sampling),
  setShown: (door) => door.setShown("a", true),
  running: async (door) => told(await door.running("a")),
  storeStats: (door) => door.storeStats(),
  verifyStore: (door) => withProgress((tell) => door.verifyStore(tell)),
  collectStore: (door) => door.collectStore(),
  repairStore: (door) => withProgress((tell) => door.repairStore(tell)),
  forgetEverything: (door) => door.forgetEverything(),
  runBench: (door) => withProgress((tell) => door.runBench("engine", tell)),
  dispose: (door) => door.dispose(1000),
};

async function withProgress<T>(work: (tell: (progress: Progress) => void) => Promise<T>) {
  const progresses: Progress[] = [];
  const result = await work((next) => progresses.push(next));
  return { result, progresses };
}

/** All events of an answer until its end. */
async function told(running: Running | undefined) {
  const events: GenerationEvent[] = [];
  running?.onEvent((event) => events.push(event));
  await running?.done;
  return events;
}

/** A service that returns complete samples and records its calls. */
export class SampleService implements ResidentService {
  private readonly emitter = new Emitter<ServiceEvent>();
  readonly asked: (readonly unknown[])[] = [];
  readonly onEvent = this.emitter.event;

  fireAll(): void {
    for (const event of serviceEvents) this.emitter.fire(event);
  }

  status = this.sample("status", status);
  diagnose = this.sample("diagnose", diagnosis);
  listModels = this.sample("listModels", [listedModel]);
  deleteModel = this.sample("deleteModel", { freedBytes: 4096, agents: ["Ada"] });
  inspectModel = this.sample("inspectModel", modelDetail);
  templateFacts = this.sample("templateFacts", templateFacts);
  chooseModel = this.sample("chooseModel", model);
  unloadModel = this.sample("unloadModel", undefined);
  countTokens = this.sample("countTokens", [3, 40]);
  chatModels = this.sample("chatModels", [chatModel]);
  listAgents = this.sample("listAgents", [agent]);
  getAgent = this.sample("getAgent", detail);
  callResult = this.sample("callResult", { call: "c1", text: "20 degrees" });
  attachmentText = this.sample("attachmentText", "let a;");
  pinnedText = this.sample("pinnedText", "let a;");
  toldChanges = this.sample("toldChanges", [{ path: "src/a.ts", digest: "d" }]);
  findAgent = this.sample("findAgent", agent);
  createAgent = this.sample("createAgent", agent);
  renameAgent = this.sample("renameAgent", agent);
  setSystemPrompt = this.sample("setSystemPrompt", agent);
  setPinnedFiles = this.sample("setPinnedFiles", agent);
  forkAgent = this.sample("forkAgent", agent);
  adoptBranch = this.sample("adoptBranch", "t5");
  readAheadResults = this.sample("readAheadResults", agent);
  copyWithModel = this.sample("copyWithModel", agent);
  measureWithModel = this.sample("measureWithModel", { tokens: 40, contextTokens: 8192 });
  rewindAgent = this.sample("rewindAgent", agent);
  startOver = this.sample("startOver", agent);
  deleteAgent = this.sample("deleteAgent", undefined);
  warmAgent = this.sample("warmAgent", agent);
  measureDraft = this.sample("measureDraft", {
    ...{ draftTokens: 9, attachmentTokens: [6] },
    ...{ promptTokens: 40, contextTokens: 8192 },
  });
  repairAgent = this.sample("repairAgent", agentRepair);
  storeStats = this.sample("storeStats", storeStats);
  forgetEverything = this.sample("forgetEverything", { agents: 2, removed: totals });
  saveAgent = this.sample("saveAgent", agent);
  pinAgent = this.sample("pinAgent", agent);
  setAgentTools = this.sample("setAgentTools", agent);
  setAgentThinking = this.sample("setAgentThinking", agent);
  setAgentSampling = this.sample("setAgentSampling", agent);
  setDefaultSampling = this.sample("setDefaultSampling", undefined);
  setShown = this.sample("setShown", undefined);
  setHubAccess = this.sample("setHubAccess", undefined);
  listServers = this.sample("listServers", [connectedServer]);
  forgetServer = this.sample("forgetServer", undefined);
  setServerKeys = this.sample("setServerKeys", undefined);
  useServer = this.sample("useServer", agent);
  useFolder = this.sample("useFolder", agent);
  suggestedModels = this.sample("suggestedModels", [suggested]);
  dispose = this.sample("dispose", undefined);

  async compactAgent(
    id: AgentId,
    options: CompactOptions,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<AgentSummary> {
    this.asked.push(["compactAgent", id, options]);
    onProgress(progress);
    return agent;
  }

  async loadModel(): Promise<ModelSummary> {
    this.asked.push(["loadModel"]);
    return model;
  }

  async importGguf(request: ImportRequest, onProgress: (progress: Progress) => void): Promise<ImportedModel> {
    this.asked.push(["importGguf", request]);
    onProgress(progress);
    return { ...model, rounded: [{ type: "Q6_K", bits: 8, tensors: 12, largestError: 0.0021 }] };
  }

  async getStarterModel(onProgress: (progress: Progress) => void): Promise<ModelSummary> {
    this.asked.push(["getStarterModel"]);
    onProgress(progress);
    return model;
  }

  async connectServer(request: ConnectServerRequest): Promise<ConnectedServer> {
    this.asked.push(["connectServer", request]);
    return connectedServer;
  }

  async tryServer(server: AgentServer): Promise<ServerTrial> {
    this.asked.push(["tryServer", server]);
    return { text: "OK", ms: 12 };
  }

  async searchHub(words: string): Promise<HubSearch> {
    this.asked.push(["searchHub", words]);
    return hubSearch;
  }

  async describeHubModel(request: HubRequest): Promise<HubModel> {
    this.asked.push(["describeHubModel", request]);
    return hubModel;
  }

  async getHubModel(request: HubRequest, onProgress: (progress: Progress) => void): Promise<ImportedModel> {
    this.asked.push(["getHubModel", request]);
    onProgress(progress);
    return { ...model, rounded: [{ type: "Q6_K", bits: 8, tensors: 12, largestError: 0.0021 }] };
  }

  async runBench(suite: BenchSuite, onProgress: (progress: Progress) => void): Promise<BenchReport> {
    this.asked.push(["runBench", suite]);
    onProgress(progress);
    return report;
  }

  async collectStore(): Promise<StoreCollection> {
    this.asked.push(["collectStore"]);
    return collection;
  }

  async verifyStore(onProgress: (progress: Progress) => void): Promise<StoreVerification> {
    this.asked.push(["verifyStore"]);
    onProgress(progress);
    return verification;
  }

  async repairStore(onProgress: (progress: Progress) => void): Promise<StoreRepair> {
    this.asked.push(["repairStore"]);
    onProgress(progress);
    const failed = [{ agent: "b", error }];
    return { verification, removed: totals, agents: [agentRepair], failed };
  }

  generate(...args: readonly unknown[]): Running {
    return this.answer("generate", args);
  }

  chat(...args: readonly unknown[]): Running {
    return this.answer("chat", args);
  }

  async sendResults(...args: readonly unknown[]): Promise<Running> {
    return this.answer("sendResults", args);
  }

  async send(...args: readonly unknown[]): Promise<Running> {
    return this.answer("send", args);
  }

  async continueAnswer(...args: readonly unknown[]): Promise<Running> {
    return this.answer("continueAnswer", args);
  }

  async regenerate(...args: readonly unknown[]): Promise<Running> {
    return this.answer("regenerate", args);
  }

  async running(...args: readonly unknown[]): Promise<Running | undefined> {
    return this.answer("running", args);
  }

  private sample<T>(method: WireMethod, result: T) {
    return async (...args: readonly unknown[]): Promise<T> => {
      this.asked.push([method, ...args]);
      return result;
    };
  }

  private answer(method: WireMethod, args: readonly unknown[]): Running {
    this.asked.push([method, ...args]);
    const running = new FakeRunning(`${method} ${this.asked.length}`);
    running.play(...generationEvents);
    return running;
  }
}
