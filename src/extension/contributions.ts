/** Every name that package.json and the code share. A unit test compares the two, so neither can drift. */

export const commands = {
  generate: "resident.generate",
  generateFromSelection: "resident.generateFromSelection",
  newAgent: "resident.newAgent",
  openAgent: "resident.openAgent",
  openLastAgent: "resident.openLastAgent",
  askAgent: "resident.askAgent",
  askAboutSelection: "resident.askAboutSelection",
  addToChat: "resident.addToChat",
  addTerminalToChat: "resident.addTerminalToChat",
  pinFiles: "resident.pinFiles",
  unpinFile: "resident.unpinFile",
  renewFiles: "resident.renewFiles",
  stopAgent: "resident.stopAgent",
  regenerate: "resident.regenerate",
  saveAgent: "resident.saveAgent",
  pinAgent: "resident.pinAgent",
  unpinAgent: "resident.unpinAgent",
  renameAgent: "resident.renameAgent",
  editInstructions: "resident.editInstructions",
  agentSampling: "resident.agentSampling",
  agentThinking: "resident.agentThinking",
  forkAgent: "resident.forkAgent",
  useOtherModel: "resident.useOtherModel",
  rewindAgent: "resident.rewindAgent",
  keepLastTurns: "resident.keepLastTurns",
  chooseTools: "resident.chooseTools",
  continueActing: "resident.continueActing",
  reviewWaiting: "resident.reviewWaiting",
  acceptChange: "resident.acceptChange",
  rejectChange: "resident.rejectChange",
  putFilesBack: "resident.putFilesBack",
  answerInWays: "resident.answerInWays",
  chooseWay: "resident.chooseWay",
  compactConversation: "resident.compactConversation",
  copyConversation: "resident.copyConversation",
  exportConversation: "resident.exportConversation",
  deleteAgent: "resident.deleteAgent",
  repairAgent: "resident.repairAgent",
  addToRoom: "resident.addToRoom",
  removeFromRoom: "resident.removeFromRoom",
  clearRoom: "resident.clearRoom",
  chooseModel: "resident.chooseModel",
  importModel: "resident.importModel",
  getStarterModel: "resident.getStarterModel",
  getModel: "resident.getModel",
  deleteModel: "resident.deleteModel",
  setHubToken: "resident.setHubToken",
  connectServer: "resident.connectServer",
  forgetServer: "resident.forgetServer",
  loadModel: "resident.loadModel",
  cancelLoad: "resident.cancelLoad",
  unloadModel: "resident.unloadModel",
  growPool: "resident.growPool",
  restartEngine: "resident.restartEngine",
  storeStatistics: "resident.storeStatistics",
  verifyStore: "resident.verifyStore",
  collectStore: "resident.collectStore",
  repairStore: "resident.repairStore",
  forgetEverything: "resident.forgetEverything",
  runBenchmark: "resident.runBenchmark",
  cancelBenchmark: "resident.cancelBenchmark",
  exportBenchmarks: "resident.exportBenchmarks",
  diagnose: "resident.diagnose",
  copyDiagnosis: "resident.copyDiagnosis",
  showLog: "resident.showLog",
  openStatus: "resident.openStatus",
  refreshStatus: "resident.refreshStatus",
  whyReadAgain: "resident.whyReadAgain",
  useInChat: "resident.useInChat",
  openRoom: "resident.openRoom",
  getStarted: "resident.getStarted",
  openSettings: "resident.openSettings",
} as const;

export type CommandId = (typeof commands)[keyof typeof commands];

export const settings = {
  modelDefault: "resident.model.default",
  modelFolders: "resident.model.folders",
  hubEndpoint: "resident.hub.endpoint",
  serversSilentMinutes: "resident.servers.silentMinutes",
  poolPrecision: "resident.pool.precision",
  poolSizeMB: "resident.pool.sizeMB",
  modelThreads: "resident.model.threads",
  modelPromptLookup: "resident.model.promptLookup",
  modelUnloadAfterMinutes: "resident.model.unloadAfterMinutes",
  poolBlockTokens: "resident.pool.blockTokens",
  answersMaxTokens: "resident.answers.maxTokens",
  answersTemperature: "resident.answers.temperature",
  answersTopP: "resident.answers.topP",
  answersTopK: "resident.answers.topK",
  answersMinP: "resident.answers.minP",
  answersRepetitionPenalty: "resident.answers.repetitionPenalty",
  answersPresencePenalty: "resident.answers.presencePenalty",
  answersFrequencyPenalty: "resident.answers.frequencyPenalty",
  answersSeed: "resident.answers.seed",
  storeQuotaGB: "resident.store.quotaGB",
  toolsDefault: "resident.tools.default",
  toolsApproveWrite: "resident.tools.approve.write",
  toolsApproveRun: "resident.tools.approve.run",
  toolsAllowedCommands: "resident.tools.allowedCommands",
  toolsApproveOther: "resident.tools.approve.other",
  toolsAllowedTools: "resident.tools.allowedTools",
  toolsMostSteps: "resident.tools.mostSteps",
  toolsMostMinutes: "resident.tools.mostMinutes",
  toolsSaveEdits: "resident.tools.saveEdits",
  filesRenewShare: "resident.files.renewShare",
} as const;

export type SettingId = (typeof settings)[keyof typeof settings];

/** What the core is started with: a change takes effect when the engine starts again. */
export const startupSettings: readonly SettingId[] = [
  settings.modelFolders,
  settings.poolSizeMB,
  settings.poolPrecision,
  settings.modelThreads,
  settings.modelPromptLookup,
  settings.modelUnloadAfterMinutes,
  settings.serversSilentMinutes,
  settings.poolBlockTokens,
  settings.storeQuotaGB,
];

export const viewContainer = "resident";

/** The walkthrough of the first steps. */
export const walkthrough = "start";

export const views = {
  agents: "resident.agents",
  room: "resident.room",
  status: "resident.status",
} as const;

export const chatPanelType = "resident.chat";

/** Of Resident's models in VS Code's own chat. */
export const chatVendor = "resident";

/** Set with `setContext`; used in `when` and `enablement` clauses. */
export const contextKeys = {
  /** No agent exists: the Agents view says how to make one. */
  noAgents: "resident.noAgents",
  /** No model can be used: the Agents view says how to get one. */
  noModel: "resident.noModel",
  /** A model is being loaded: the load can be cancelled. */
  loading: "resident.loading",
  /** A benchmark is running: it can be cancelled. */
  benchmarkRunning: "resident.benchmarkRunning",
  /** An agent waits for the person. */
  waiting: "resident.waiting",
  /** A model is loaded: it can be unloaded. */
  modelLoaded: "resident.modelLoaded",
} as const;

export type ContextKey = (typeof contextKeys)[keyof typeof contextKeys];

/** `viewItem` values of the Agents tree. */
export const treeItems = {
  agent: "agent",
  pinnedAgent: "agent.pinned",
  runningAgent: "agent.running",
  lockedAgent: "agent.locked",
  damagedAgent: "agent.damaged",
} as const;

/** Behind the `viewItem` value of an agent that is in the room. */
export const memberItem = ".member";

/** Replace two of VS Code's chart colours: its orange is transparent, its yellow too pale in light themes. */
export const themeColours = {
  agentOrange: "resident.agentOrange",
  agentYellow: "resident.agentYellow",
} as const;

export const diagnosisScheme = "resident-diagnosis";

/** Of the document that shows the log where the output channel cannot. */
export const logScheme = "resident-log";

/** Documents that hold the instructions of agents. */
export const instructionsScheme = "resident-instructions";

/** Of the documents that show a change before it is made. */
export const changeScheme = "resident-change";

/** Of documents that show what a message carries as it was sent. */
export const attachmentScheme = "resident-attachment";
