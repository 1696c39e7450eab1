import type { Log } from "../../common/log";
import type { ResidentService, RunningId } from "../../protocol/service";
import { type ClientPort, CoreLink } from "./link";

/** The door to a core behind a port. */
export function createRemoteService(port: ClientPort, log: Log): ResidentService {
  const link = new CoreLink(port, log);
  const named = (id: RunningId) => link.answer(id);
  return {
    onEvent: link.onEvent,
    status: () => link.call("status", []),
    diagnose: () => link.call("diagnose", []),

    listModels: () => link.call("listModels", []),
    deleteModel: (...args) => link.call("deleteModel", args),
    inspectModel: (...args) => link.call("inspectModel", args),
    templateFacts: (...args) => link.call("templateFacts", args),
    chooseModel: (...args) => link.call("chooseModel", args),
    loadModel: (signal) => link.call("loadModel", [], { signal }),
    unloadModel: () => link.call("unloadModel", []),
    importGguf: (request, onProgress, signal) => link.call("importGguf", [request], { onProgress, signal }),
    getStarterModel: (onProgress, signal) => link.call("getStarterModel", [], { onProgress, signal }),

    setHubAccess: (...args) => link.call("setHubAccess", args),
    searchHub: (words, signal) => link.call("searchHub", [words], { signal }),
    describeHubModel: (request, signal) => link.call("describeHubModel", [request], { signal }),
    getHubModel: (request, onProgress, signal) => link.call("getHubModel", [request], { onProgress, signal }),
    suggestedModels: () => link.call("suggestedModels", []),

    connectServer: (request, signal) => link.call("connectServer", [request], { signal }),
    listServers: () => link.call("listServers", []),
    forgetServer: (...args) => link.call("forgetServer", args),
    setServerKeys: (...args) => link.call("setServerKeys", args),
    tryServer: (server, signal) => link.call("tryServer", [server], { signal }),

    generate: (request) => link.begin((as) => link.call("generate", [as, request])),
    chat: (request) => link.begin((as) => link.call("chat", [as, request])),
    countTokens: (...args) => link.call("countTokens", args),
    chatModels: () => link.call("chatModels", []),

    listAgents: () => link.call("listAgents", []),
    getAgent: (...args) => link.call("getAgent", args),
    callResult: (...args) => link.call("callResult", args),
    attachmentText: (...args) => link.call("attachmentText", args),
    pinnedText: (...args) => link.call("pinnedText", args),
    toldChanges: (...args) => link.call("toldChanges", args),
    findAgent: (...args) => link.call("findAgent", args),
    createAgent: (...args) => link.call("createAgent", args),
    renameAgent: (...args) => link.call("renameAgent", args),
    setSystemPrompt: (...args) => link.call("setSystemPrompt", args),
    setPinnedFiles: (...args) => link.call("setPinnedFiles", args),
    forkAgent: (...args) => link.call("forkAgent", args),
    adoptBranch: (...args) => link.call("adoptBranch", args),
    compactAgent: (id, options, onProgress, signal) => link.call("compactAgent", [id, options], { onProgress, signal }),
    copyWithModel: (...args) => link.call("copyWithModel", args),
    measureWithModel: (...args) => link.call("measureWithModel", args),
    useServer: (...args) => link.call("useServer", args),
    useFolder: (...args) => link.call("useFolder", args),
    rewindAgent: (...args) => link.call("rewindAgent", args),
    startOver: (...args) => link.call("startOver", args),
    deleteAgent: (...args) => link.call("deleteAgent", args),
    repairAgent: (...args) => link.call("repairAgent", args),
    warmAgent: (...args) => link.call("warmAgent", args),
    readAheadResults: (...args) => link.call("readAheadResults", args),
    sendResults: (...args) => link.ask("sendResults", args, named),
    send: (...args) => link.ask("send", args, named),
    regenerate: (...args) => link.ask("regenerate", args, named),
    continueAnswer: (...args) => link.ask("continueAnswer", args, named),
    measureDraft: (...args) => link.call("measureDraft", args),
    saveAgent: (...args) => link.call("saveAgent", args),
    pinAgent: (...args) => link.call("pinAgent", args),
    setAgentSampling: (...args) => link.call("setAgentSampling", args),
    setAgentTools: (...args) => link.call("setAgentTools", args),
    setAgentThinking: (...args) => link.call("setAgentThinking", args),
    setDefaultSampling: (...args) => link.call("setDefaultSampling", args),
    setShown: (...args) => link.call("setShown", args),
    running: (...args) => link.ask("running", args, (id) => (id === undefined ? undefined : named(id))),

    storeStats: () => link.call("storeStats", []),
    verifyStore: (onProgress, signal) => link.call("verifyStore", [], { onProgress, signal }),
    collectStore: (signal) => link.call("collectStore", [], { signal }),
    repairStore: (onProgress, signal) => link.call("repairStore", [], { onProgress, signal }),
    forgetEverything: () => link.call("forgetEverything", []),

    runBench: (suite, onProgress, signal) => link.call("runBench", [suite], { onProgress, signal }),

    dispose: (...args) => link.dispose(...args),
  };
}
