/** All agents of a home, as they are found: live ones, those on disk, and those that are damaged. */
import { type ErrorInfo, InvalidRequestError, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { ToolResult } from "../common/tools";
import type { AgentDetail, AgentId, AgentRepair, AgentSummary, ToldChange, TurnId } from "../protocol/service";
import { type AgentList, maybeNamed, type UnreadableAgent } from "../store/agentNames";
import { damagedLog, unusableLock } from "../store/agentReader";
import type { AgentStore } from "../store/agentStore";
import type { OnDeleted } from "../store/agentSweep";
import type { LockState } from "../store/lockWatch";
import type { Manifest } from "../store/manifest";
import { cleanName } from "./agentName";
import type { LiveAgents } from "./liveAgents";
import type { ModelAccess } from "./ports";
import { damageOfHead, readTree, understandEntries } from "./readTree";
import { detailOf, type LiveState, summaryOf, unreadableDetail, unreadableSummary } from "./summaries";
import { toldChanges } from "./toldChanges";
import { attachmentsOf, resultsOf } from "./turnInput";
import type { TurnTree } from "./turnTree";

export interface AgentDirectoryPorts {
  readonly store: AgentStore;
  readonly live: LiveAgents;
  readonly models: ModelAccess;
  readonly defaultModel: () => string;
  readonly log: Log;
}

export class AgentDirectory {
  constructor(private readonly ports: AgentDirectoryPorts) {}

  async list(): Promise<readonly AgentSummary[]> {
    return this.summaries(await this.ports.store.list());
  }

  async get(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    const { store, live } = this.ports;
    const agent = live.get(id);
    if (agent !== undefined) return agent.detail(newestTurns);
    try {
      return await this.readable(id, newestTurns);
    } catch (error) {
      const unreadable = (await store.list()).unreadable.find((one) => one.id === id);
      if (unreadable?.error.code !== "AGENT_CORRUPT") throw error;
      return this.remainsOf(unreadable, newestTurns);
    }
  }

  async callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult> {
    const result = resultsOf((await this.treeOf(id)).get(turn)?.input ?? []).find((one) => one.call === call);
    if (result !== undefined) return result;
    throw new InvalidRequestError(`turn ${turn} has no result of call ${call}`, "choose a result that is shown", {
      turn,
    });
  }

  async attachmentText(id: AgentId, turn: TurnId, index: number): Promise<string> {
    const found = attachmentsOf((await this.treeOf(id)).get(turn)?.input ?? [])[index];
    if (found !== undefined) return found.text;
    throw new InvalidRequestError(`turn ${turn} has no attachment ${index}`, "choose one that is shown", {
      turn,
      index,
    });
  }

  async pinnedText(id: AgentId, path: string): Promise<string> {
    const found = (await this.treeOf(id)).files.find((file) => file.path === path);
    if (found !== undefined) return found.text;
    throw new InvalidRequestError(`${path} is not pinned`, "choose one of the pinned files", { path });
  }

  async toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]> {
    const { tree, head } = await this.atHead(id);
    return toldChanges(tree.branch(instead === undefined ? head : tree.get(instead)?.parent));
  }

  async find(nameOrId: string): Promise<AgentSummary | undefined> {
    const list = await this.ports.store.list();
    const all = await this.summaries(list);
    // First the exact name: an older version may have kept one that is not clean. Then the name as it is kept today.
    const clean = cleanName(nameOrId);
    const found =
      all.find((agent) => agent.id === nameOrId) ??
      all.find((agent) => agent.name === nameOrId) ??
      all.find((agent) => agent.name === clean && clean !== "");
    const unknown = list.unreadable.find(({ isNameUnknown }) => isNameUnknown);
    if (found === undefined && unknown !== undefined) throw maybeNamed(nameOrId, unknown);
    return found;
  }

  async sweep(onDeleted: OnDeleted): Promise<void> {
    const { store, log } = this.ports;
    await store.sweep(onDeleted);
    for (const { error } of (await store.list()).unreadable) log.log("info", `${error.what}: ${error.advice}`);
  }

  /** Agents that must be repaired before they can continue. Reads every log: `list` knows damaged manifests only. */
  async damaged(): Promise<readonly AgentId[]> {
    const { live } = this.ports;
    const damaged: AgentId[] = [];
    for (const { id, damage } of await this.list()) {
      if (damage !== undefined) damaged.push(id);
      else if (live.get(id) === undefined && (await this.damageOf(id)) !== undefined) damaged.push(id);
    }
    return damaged;
  }

  private async damageOf(id: AgentId): Promise<ErrorInfo | undefined> {
    try {
      return (await this.get(id)).damage;
    } catch (error) {
      const info = toErrorInfo(error);
      // It was deleted meanwhile.
      return info.code === "AGENT_NOT_FOUND" ? undefined : info;
    }
  }

  /** `summary` is the agent's after the repair. */
  async repair(id: AgentId): Promise<{ readonly repaired: AgentRepair; readonly summary: AgentSummary | undefined }> {
    const { store, live, models, defaultModel } = this.ports;
    const name = live.get(id)?.name;
    if (name !== undefined) {
      const advice = "go on with it: nothing needs to be repaired";
      throw new InvalidRequestError(`${name} is open here and can be written`, advice, { agent: id });
    }
    const repaired = await store.repair(id, {
      understand: understandEntries,
      isTurn: ({ type }) => type === "turn",
      fallback: async () => {
        const modelDirectory = defaultModel();
        const { name: modelName, contextTokens } = await models.describe(modelDirectory);
        return { name: `repaired ${id.slice(0, 6)}`, modelDirectory, modelName, contextTokens };
      },
    });
    return { repaired, summary: (await this.list()).find((agent) => agent.id === id) };
  }

  /** As far as it can be read. */
  private async treeOf(id: AgentId): Promise<TurnTree> {
    const { live, store } = this.ports;
    return live.get(id)?.tree ?? (await readTree((await store.read(id)).entries)).tree;
  }

  private async atHead(id: AgentId): Promise<{ readonly tree: TurnTree; readonly head: TurnId | undefined }> {
    const { live, store } = this.ports;
    const agent = live.get(id);
    if (agent !== undefined) return agent;
    const { manifest, entries } = await store.read(id);
    const { tree } = await readTree(entries);
    return { tree, head: tree.readable(manifest.head) };
  }

  private async readable(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    const { manifest, entries, damage } = await this.ports.store.read(id);
    const { tree, reason } = await readTree(entries);
    const state = onDisk(manifest, await this.ports.store.lockState(id));
    const why = damage?.reason ?? reason ?? damageOfHead(tree, manifest.head);
    if (why === undefined) return detailOf(manifest, tree, state, newestTurns);
    const { head: wanted, ...rest } = manifest;
    const head = tree.readable(wanted);
    const shown = { ...rest, ...(head === undefined ? {} : { head }) };
    const damaged = { ...state, damage: damagedLog(id, manifest.name, why).toInfo() };
    return detailOf(shown, tree, damaged, newestTurns);
  }

  private async remainsOf(unreadable: UnreadableAgent, newestTurns?: number): Promise<AgentDetail> {
    const { logs } = await this.ports.store.remains(unreadable.id);
    const { tree } = await readTree(logs.entries);
    return unreadableDetail(unreadable, tree, newestTurns);
  }

  private async summaries({ manifests, unreadable }: AgentList): Promise<readonly AgentSummary[]> {
    const { store, live } = this.ports;
    const locks = await store.lockStates(manifests.map(({ id }) => id).filter((id) => live.get(id) === undefined));
    const onDiskOr = (manifest: Manifest) => summaryOf(manifest, onDisk(manifest, locks.get(manifest.id)));
    const there = new Set([...manifests, ...unreadable].map(({ id }) => id));
    return [
      ...manifests.map((manifest) => live.get(manifest.id)?.summary() ?? onDiskOr(manifest)),
      ...unreadable.map((one) => live.get(one.id)?.summary() ?? unreadableSummary(one)),
    ].map((summary) => withParent(summary, there));
  }
}

/** A delegate whose agent is gone is an agent like others. */
function withParent(summary: AgentSummary, there: ReadonlySet<AgentId>): AgentSummary {
  const { delegateOf, ...rest } = summary;
  return delegateOf === undefined || there.has(delegateOf) ? summary : rest;
}

function onDisk({ id, name }: Manifest, lock: LockState | undefined): LiveState {
  const state: LiveState = { state: "idle", hotTokens: 0, lockedElsewhere: lock === "held" };
  return lock === "unusable" ? { ...state, damage: unusableLock(id, name).toInfo() } : state;
}
