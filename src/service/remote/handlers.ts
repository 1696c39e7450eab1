import type { Progress, ResidentService, Running, RunningId } from "../../protocol/service";
import type { WireArguments, WireMethod, WireResult } from "../../protocol/wire";

/** What a call has in addition to its arguments. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Posts the answer's events after the result, under the name `as` (default: the answer's own). */
  readonly started: (running: Running, as?: RunningId) => void;
}

export type Handlers = {
  readonly [M in WireMethod]: (args: WireArguments<M>, context: CallContext) => Promise<WireResult<M>>;
};

/** Maps each call of the wire to a call of the service. */
export function handlersOf(service: ResidentService): Handlers {
  const named = (running: Running, { started }: CallContext): RunningId => {
    started(running);
    return running.id;
  };
  return {
    status: () => service.status(),
    diagnose: () => service.diagnose(),
    listModels: () => service.listModels(),
    deleteModel: (args) => service.deleteModel(...args),
    inspectModel: (args) => service.inspectModel(...args),
    templateFacts: (args) => service.templateFacts(...args),
    chooseModel: (args) => service.chooseModel(...args),
    loadModel: (_, { signal }) => service.loadModel(signal),
    unloadModel: () => service.unloadModel(),
    importGguf: (args, { onProgress, signal }) => service.importGguf(...args, onProgress, signal),
    getStarterModel: (_, { onProgress, signal }) => service.getStarterModel(onProgress, signal),
    setHubAccess: (args) => service.setHubAccess(...args),
    searchHub: (args, { signal }) => service.searchHub(...args, signal),
    describeHubModel: (args, { signal }) => service.describeHubModel(...args, signal),
    getHubModel: (args, { onProgress, signal }) => service.getHubModel(...args, onProgress, signal),
    suggestedModels: () => service.suggestedModels(),
    connectServer: (args, { signal }) => service.connectServer(...args, signal),
    listServers: () => service.listServers(),
    forgetServer: (args) => service.forgetServer(...args),
    setServerKeys: (args) => service.setServerKeys(...args),
    tryServer: (args, { signal }) => service.tryServer(...args, signal),
    generate: async ([as, request], { started }) => started(service.generate(request), as),
    chat: async ([as, request], { started }) => started(service.chat(request), as),
    countTokens: (args) => service.countTokens(...args),
    chatModels: () => service.chatModels(),
    listAgents: () => service.listAgents(),
    getAgent: (args) => service.getAgent(...args),
    callResult: (args) => service.callResult(...args),
    attachmentText: (args) => service.attachmentText(...args),
    pinnedText: (args) => service.pinnedText(...args),
    toldChanges: (args) => service.toldChanges(...args),
    findAgent: (args) => service.findAgent(...args),
    createAgent: (args) => service.createAgent(...args),
    renameAgent: (args) => service.renameAgent(...args),
    setSystemPrompt: (args) => service.setSystemPrompt(...args),
    setPinnedFiles: (args) => service.setPinnedFiles(...args),
    forkAgent: (args) => service.forkAgent(...args),
    adoptBranch: (args) => service.adoptBranch(...args),
    compactAgent: (args, { onProgress, signal }) => service.compactAgent(...args, onProgress, signal),
    copyWithModel: (args) => service.copyWithModel(...args),
    measureWithModel: (args) => service.measureWithModel(...args),
    useServer: (args) => service.useServer(...args),
    useFolder: (args) => service.useFolder(...args),
    rewindAgent: (args) => service.rewindAgent(...args),
    startOver: (args) => service.startOver(...args),
    deleteAgent: (args) => service.deleteAgent(...args),
    repairAgent: (args) => service.repairAgent(...args),
    warmAgent: (args) => service.warmAgent(...args),
    readAheadResults: (args) => service.readAheadResults(...args),
    send: async (args, context) => named(await service.send(...args), context),
    sendResults: async (args, context) => named(await service.sendResults(...args), context),
    regenerate: async (args, context) => named(await service.regenerate(...args), context),
    continueAnswer: async (args, context) => named(await service.continueAnswer(...args), context),
    measureDraft: (args) => service.measureDraft(...args),
    saveAgent: (args) => service.saveAgent(...args),
    pinAgent: (args) => service.pinAgent(...args),
    setAgentTools: (args) => service.setAgentTools(...args),
    setAgentThinking: (args) => service.setAgentThinking(...args),
    setAgentSampling: (args) => service.setAgentSampling(...args),
    setDefaultSampling: (args) => service.setDefaultSampling(...args),
    setShown: (args) => service.setShown(...args),
    running: async (args, context) => {
      const running = await service.running(...args);
      return running && named(running, context);
    },
    storeStats: () => service.storeStats(),
    verifyStore: (_, { onProgress, signal }) => service.verifyStore(onProgress, signal),
    collectStore: (_, { signal }) => service.collectStore(signal),
    repairStore: (_, { onProgress, signal }) => service.repairStore(onProgress, signal),
    forgetEverything: () => service.forgetEverything(),
    runBench: (args, { onProgress, signal }) => service.runBench(...args, onProgress, signal),
    dispose: (args) => service.dispose(...args),
  };
}
