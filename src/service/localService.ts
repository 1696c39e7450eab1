import path from "node:path";
import type { Log } from "../common/log";
import { suggestedModels } from "../models/hub/suggestedModels";
import { readTemplateFacts } from "../models/modelDirectory";
import type { ResidentService, ServiceOptions } from "../protocol/service";
import type { BenchSuites } from "./benchDesk";
import { type BenchSources, benchSuites } from "./benchSuites";
import { ChatModels } from "./chatModels";
import { Core } from "./core";
import { diagnose } from "./diagnose";
import { endsWithin } from "./endsWithin";
import type { Runtime } from "./runtime";
import { TokenCounter } from "./tokenCounter";

/** The door to a core in this thread: which part of it does what is asked. Folders of models may be relative here. */
export function createLocalService(
  options: ServiceOptions,
  runtime: Runtime,
  log: Log,
  suites: (sources: BenchSources) => BenchSuites = benchSuites,
): ResidentService {
  const core = new Core(options, runtime, log, suites);
  const { library, hub, servers, models, generations, store, bench } = core;
  const { agents, threads } = core.home;
  const templateFacts = (directory: string) => readTemplateFacts(path.resolve(directory));
  const tokenCounter = new TokenCounter(core.access);
  const chats = new ChatModels({
    ...{ options, templateFacts },
    listModels: () => models.list(),
    loaded: () => core.loaded,
    addon: () => runtime.loadAddon(),
  });
  return {
    onEvent: core.onEvent,
    status: () => core.status(),
    diagnose: () => diagnose({ options, library, addon: () => core.addon(), loaded: core.loaded }),

    listModels: () => models.list(),
    deleteModel: (...args) => models.delete(...args),
    inspectModel: (...args) => library.inspect(...args),
    templateFacts,
    chooseModel: (...args) => models.choose(...args),
    loadModel: (...args) => models.load(...args),
    unloadModel: () => models.unload(),
    importGguf: (...args) => models.import(...args),
    getStarterModel: (...args) => models.getStarter(...args),

    setHubAccess: async (...args) => hub.setAccess(...args),
    searchHub: (...args) => hub.search(...args),
    describeHubModel: (...args) => hub.describe(...args),
    getHubModel: (...args) => models.getFromHub(...args),
    suggestedModels: async () => suggestedModels(hub.memoryBytes),

    connectServer: (...args) => servers.connect(...args),
    listServers: () => servers.list(),
    forgetServer: (...args) => servers.forget(...args),
    setServerKeys: async (...args) => servers.setKeys(...args),
    tryServer: (...args) => servers.try(...args),

    generate: (request) => generations.start(request, core.access),
    chat: ({ modelDirectory, ...request }) =>
      threads.start(generations.newId(), { ...request, modelDirectory: path.resolve(modelDirectory) }),
    countTokens: (modelDirectory, inputs) => {
      const directory = path.resolve(modelDirectory);
      return Promise.all(inputs.map((input) => tokenCounter.count(directory, input)));
    },
    chatModels: () => chats.list(),

    listAgents: () => agents.list(),
    getAgent: (...args) => agents.get(...args),
    callResult: (...args) => agents.callResult(...args),
    attachmentText: (...args) => agents.attachmentText(...args),
    pinnedText: (...args) => agents.pinnedText(...args),
    toldChanges: (...args) => agents.toldChanges(...args),
    findAgent: (...args) => agents.find(...args),
    createAgent: ({ modelDirectory, ...request }) =>
      agents.create(
        modelDirectory === undefined ? request : { ...request, modelDirectory: path.resolve(modelDirectory) },
      ),
    renameAgent: (...args) => agents.rename(...args),
    setSystemPrompt: (...args) => agents.setSystem(...args),
    setPinnedFiles: (...args) => agents.setPinnedFiles(...args),
    forkAgent: (...args) => agents.fork(...args),
    adoptBranch: (...args) => agents.adoptBranch(...args),
    compactAgent: (...args) => agents.compact(...args),
    copyWithModel: (id, name, modelDirectory) => agents.copyWithModel(id, name, path.resolve(modelDirectory)),
    measureWithModel: (id, modelDirectory) => agents.measureWithModel(id, path.resolve(modelDirectory)),
    useServer: (...args) => agents.useServer(...args),
    useFolder: (id, modelDirectory) => agents.useFolder(id, path.resolve(modelDirectory)),
    rewindAgent: (...args) => agents.rewind(...args),
    startOver: (...args) => agents.startOver(...args),
    deleteAgent: (...args) => agents.delete(...args),
    repairAgent: (...args) => agents.repair(...args),
    warmAgent: (...args) => agents.warm(...args),
    readAheadResults: (...args) => agents.readAheadResults(...args),
    sendResults: (...args) => agents.sendResults(...args),
    send: (...args) => agents.send(...args),
    regenerate: (...args) => agents.regenerate(...args),
    continueAnswer: (...args) => agents.continueAnswer(...args),
    measureDraft: (...args) => agents.measureDraft(...args),
    pinAgent: (...args) => agents.pin(...args),
    setAgentSampling: (...args) => agents.setSampling(...args),
    setAgentTools: (...args) => agents.setTools(...args),
    setAgentThinking: (...args) => agents.setThinking(...args),
    setDefaultSampling: async (sampling) => {
      core.sampling = sampling;
    },
    saveAgent: (...args) => agents.save(...args),
    setShown: async (...args) => agents.setShown(...args),
    running: async (...args) => agents.running(...args),

    storeStats: () => store.stats(),
    verifyStore: (...args) => store.verify(...args),
    collectStore: (...args) => store.collect(...args),
    repairStore: (...args) => store.repair(...args),
    forgetEverything: () => store.forget(),

    runBench: (...args) => bench.run(...args),

    dispose: async (deadlineMs) => {
      const ending = core.end();
      if (deadlineMs === undefined) return ending;
      if (!(await endsWithin(deadlineMs, ending))) {
        log.log("warn", `saving had not finished after ${deadlineMs} ms`);
      }
    },
  };
}
