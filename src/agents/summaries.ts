/** Agents as the programs see them. */
import type { ErrorInfo } from "../common/errors";
import type { AgentDetail, AgentSummary, Tier, TurnId } from "../protocol/service";
import { withShortResults } from "../protocol/turnSteps";
import type { UnreadableAgent } from "../store/agentNames";
import type { Manifest } from "../store/manifest";
import { dayOfAgent, storedThinking } from "./agentFrame";
import { storedSampling } from "./agentSampling";
import { storedTools } from "./agentTools";
import { partsOf } from "./frameSize";
import { storedServer } from "./serverPort";
import { countTokens, type TurnTree, toView } from "./turnTree";

/** State that is not in the manifest. */
export interface LiveState {
  readonly state: AgentSummary["state"];
  readonly hotTokens: number;
  readonly lockedElsewhere: boolean;
  readonly runningTurn?: TurnId;
  readonly saveError?: ErrorInfo;
  readonly reading?: AgentSummary["reading"];
  readonly filesRead?: AgentSummary["filesRead"];
  readonly damage?: ErrorInfo;
}

export function summaryOf(manifest: Manifest, live: LiveState): AgentSummary {
  const { cache } = manifest;
  const server = storedServer(manifest);
  // A cache on disk is of no use to a server.
  const diskTokens = server === undefined ? Math.min(cache?.tokens ?? 0, manifest.headTokens) : 0;
  const sampling = storedSampling(manifest);
  const thinking = storedThinking(manifest);
  const tools = storedTools(manifest);
  return {
    id: manifest.id,
    name: manifest.name,
    modelDirectory: manifest.modelDirectory,
    modelName: manifest.modelName,
    ...(server === undefined ? {} : { server }),
    index: manifest.index,
    tier: tierOf(live.hotTokens, diskTokens),
    state: live.state,
    tokens: manifest.headTokens,
    hotTokens: live.hotTokens,
    diskTokens,
    diskBytes: cache?.bytes ?? 0,
    contextTokens: manifest.contextTokens,
    turnCount: manifest.headTurns,
    createdAt: manifest.createdAt,
    lastUsedAt: manifest.lastUsedAt,
    pinned: manifest.pinned === true,
    ...(Object.keys(sampling).length === 0 ? {} : { sampling }),
    day: dayOfAgent(manifest),
    ...(thinking === undefined ? {} : { thinking }),
    ...(tools === undefined ? {} : { tools }),
    ...(manifest.files === undefined || manifest.files.length === 0 ? {} : { files: manifest.files }),
    ...(live.filesRead === undefined ? {} : { filesRead: live.filesRead }),
    ...(live.reading === undefined ? {} : { reading: live.reading }),
    ...(manifest.headCalls === undefined || manifest.headCalls === 0 ? {} : { waitsFor: manifest.headCalls }),
    ...(manifest.delegateOf === undefined || manifest.delegateOf === "" ? {} : { delegateOf: manifest.delegateOf }),
    lockedElsewhere: live.lockedElsewhere,
    ...(live.damage === undefined ? {} : { damage: live.damage }),
  };
}

/** With `newestTurns`: only so many turns, no branches. */
export function detailOf(manifest: Manifest, tree: TurnTree, live: LiveState, newestTurns?: number): AgentDetail {
  const branch = tree.branch(manifest.head, newestTurns);
  const contextParts = partsOf(manifest);
  return {
    ...summaryOf(manifest, live),
    system: manifest.system,
    ...(contextParts === undefined ? {} : { contextParts }),
    turns: branch.map((turn) => {
      const isHead = turn.id === manifest.head;
      // Another process may be answering the head at this moment; nobody answers an older turn.
      const elsewhere = live.lockedElsewhere && isHead ? "elsewhere" : "no";
      const running = turn.id === live.runningTurn ? "here" : elsewhere;
      const view = toView(turn, running, isHead ? live.saveError : undefined);
      return newestTurns === undefined ? view : withShortResults(view);
    }),
    branches: newestTurns === undefined ? tree.chains(manifest.head) : [],
    branchCount: tree.chainCount(manifest.head),
  };
}

/** The summary of an agent whose manifest cannot be read, from its log. */
export function unreadableSummary({ id, error, agent }: UnreadableAgent): AgentSummary {
  const nobody = { name: `unreadable ${id.slice(0, 6)}`, modelDirectory: "", modelName: "", index: 0 };
  const { name, modelDirectory, modelName, index } = agent ?? nobody;
  return {
    ...{ id, name, modelDirectory, modelName, index, tier: "cold", state: "idle" },
    ...{ tokens: 0, hotTokens: 0, diskTokens: 0, diskBytes: 0, turnCount: 0 },
    contextTokens: agent?.contextTokens ?? 0,
    createdAt: agent?.createdAt ?? 0,
    lastUsedAt: agent?.createdAt ?? 0,
    pinned: agent?.pinned === true,
    lockedElsewhere: false,
    damage: error,
  };
}

/** The same with the turns that its log still has, up to the newest one. */
export function unreadableDetail(unreadable: UnreadableAgent, tree: TurnTree, newestTurns?: number): AgentDetail {
  const head = tree.newest();
  return {
    ...unreadableSummary(unreadable),
    turnCount: tree.turnCount(head),
    tokens: countTokens(tree, head),
    system: unreadable.agent?.system ?? "",
    turns: tree.branch(head, newestTurns).map((turn) => {
      const view = toView(turn, "no");
      return newestTurns === undefined ? view : withShortResults(view);
    }),
    branches: newestTurns === undefined ? tree.chains(head) : [],
    branchCount: tree.chainCount(head),
  };
}

function tierOf(hotTokens: number, diskTokens: number): Tier {
  if (hotTokens > 0) return "hot";
  return diskTokens > 0 ? "warm" : "cold";
}
