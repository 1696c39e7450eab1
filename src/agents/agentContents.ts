import { InvalidRequestError } from "../common/errors";
import type { ToolResult } from "../common/tools";
import type { AgentDetail, AgentId, ToldChange, TurnId } from "../protocol/service";
import type { UnreadableAgent } from "../store/agentNames";
import { damagedLog, unusableLock } from "../store/agentReader";
import type { LockState } from "../store/lockWatch";
import type { Manifest } from "../store/manifest";
import type { AgentWorld } from "./agentWorld";
import { damageOfHead, readTree } from "./readTree";
import { detailOf, type LiveState, unreadableDetail } from "./summaries";
import { toldChanges } from "./toldChanges";
import { attachmentsOf, resultsOf } from "./turnInput";
import type { TurnTree } from "./turnTree";

/** What is in one agent: in memory where it is live, else as far as it can be read from disk. */
export function agentContents({ live, options: { store } }: AgentWorld) {
  async function treeOf(id: AgentId): Promise<TurnTree> {
    return live.get(id)?.tree ?? (await readTree((await store.read(id)).entries)).tree;
  }

  async function atHead(id: AgentId): Promise<{ readonly tree: TurnTree; readonly head: TurnId | undefined }> {
    const agent = live.get(id);
    if (agent !== undefined) return agent;
    const { manifest, entries } = await store.read(id);
    const { tree } = await readTree(entries);
    return { tree, head: tree.readable(manifest.head) };
  }

  async function stored(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
    const { manifest, entries, damage } = await store.read(id);
    const { tree, reason } = await readTree(entries);
    const state = stateOnDisk(manifest, await store.lockState(id));
    const why = damage?.reason ?? reason ?? damageOfHead(tree, manifest.head);
    if (why === undefined) return detailOf(manifest, tree, state, newestTurns);
    const { head: wanted, ...rest } = manifest;
    const head = tree.readable(wanted);
    const shown = { ...rest, ...(head === undefined ? {} : { head }) };
    const damaged = { ...state, damage: damagedLog(id, manifest.name, why).toInfo() };
    return detailOf(shown, tree, damaged, newestTurns);
  }

  async function remainsOf(unreadable: UnreadableAgent, newestTurns?: number): Promise<AgentDetail> {
    const { logs } = await store.remains(unreadable.id);
    const { tree } = await readTree(logs.entries);
    return unreadableDetail(unreadable, tree, newestTurns);
  }

  return {
    /** Also where it is damaged. With `newestTurns`: only so many turns, no branches. */
    async get(id: AgentId, newestTurns?: number): Promise<AgentDetail> {
      const agent = live.get(id);
      if (agent !== undefined) return agent.detail(newestTurns);
      try {
        return await stored(id, newestTurns);
      } catch (error) {
        const unreadable = (await store.list()).unreadable.find((one) => one.id === id);
        if (unreadable?.error.code !== "AGENT_CORRUPT") throw error;
        return remainsOf(unreadable, newestTurns);
      }
    },

    /** The whole result that `turn` goes on with for a call. */
    async callResult(id: AgentId, turn: TurnId, call: string): Promise<ToolResult> {
      const result = resultsOf((await treeOf(id)).get(turn)?.input ?? []).find((one) => one.call === call);
      if (result !== undefined) return result;
      throw new InvalidRequestError(`turn ${turn} has no result of call ${call}`, "choose a result that is shown", {
        turn,
      });
    },

    /** The text of the attachment `index` of `turn`. */
    async attachmentText(id: AgentId, turn: TurnId, index: number): Promise<string> {
      const found = attachmentsOf((await treeOf(id)).get(turn)?.input ?? [])[index];
      if (found !== undefined) return found.text;
      throw new InvalidRequestError(`turn ${turn} has no attachment ${index}`, "choose one that is shown", {
        turn,
        index,
      });
    },

    async pinnedText(id: AgentId, path: string): Promise<string> {
      const found = (await treeOf(id)).files.find((file) => file.path === path);
      if (found !== undefined) return found.text;
      throw new InvalidRequestError(`${path} is not pinned`, "choose one of the pinned files", { path });
    },

    async toldChanges(id: AgentId, instead?: TurnId): Promise<readonly ToldChange[]> {
      const { tree, head } = await atHead(id);
      return toldChanges(tree.branch(instead === undefined ? head : tree.get(instead)?.parent));
    },
  };
}

/** The state of an agent that is not live. */
export function stateOnDisk({ id, name }: Manifest, lock: LockState | undefined): LiveState {
  const state: LiveState = { state: "idle", hotTokens: 0, lockedElsewhere: lock === "held" };
  return lock === "unusable" ? { ...state, damage: unusableLock(id, name).toInfo() } : state;
}
