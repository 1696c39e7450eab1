import { type ErrorInfo, InvalidRequestError, toErrorInfo } from "../common/errors";
import type { AgentDetail, AgentId, AgentRepair, AgentSummary } from "../protocol/service";
import { type AgentList, maybeNamed } from "../store/agentNames";
import type { Manifest } from "../store/manifest";
import { stateOnDisk } from "./agentContents";
import { folderModel } from "./agentModel";
import { cleanName } from "./agentName";
import type { AgentWorld } from "./agentWorld";
import { understandEntries } from "./readTree";
import { summaryOf, unreadableSummary } from "./summaries";

/** All agents of a home, as they are found: live ones, those on disk, and those that are damaged. */
export function agentDirectory(world: AgentWorld, get: (id: AgentId) => Promise<AgentDetail>) {
  const { live, options } = world;
  const { store, log } = options;

  async function summaries({ manifests, unreadable }: AgentList): Promise<readonly AgentSummary[]> {
    const locks = await store.lockStates(manifests.map(({ id }) => id).filter((id) => live.get(id) === undefined));
    const onDisk = (manifest: Manifest) => summaryOf(manifest, stateOnDisk(manifest, locks.get(manifest.id)));
    const there = new Set([...manifests, ...unreadable].map(({ id }) => id));
    return [
      ...manifests.map((manifest) => live.get(manifest.id)?.summary() ?? onDisk(manifest)),
      ...unreadable.map((one) => live.get(one.id)?.summary() ?? unreadableSummary(one)),
    ].map((summary) => withParent(summary, there));
  }

  async function list(): Promise<readonly AgentSummary[]> {
    return summaries(await store.list());
  }

  async function damageOf(id: AgentId): Promise<ErrorInfo | undefined> {
    try {
      return (await get(id)).damage;
    } catch (error) {
      const info = toErrorInfo(error);
      // It was deleted meanwhile.
      return info.code === "AGENT_NOT_FOUND" ? undefined : info;
    }
  }

  return {
    list,

    /** By id or by name; `undefined`: there is no such agent. Throws where that cannot be known. */
    async find(nameOrId: string): Promise<AgentSummary | undefined> {
      const known = await store.list();
      const all = await summaries(known);
      // First the exact name: an older version may have kept one that is not clean. Then the name as it is kept today.
      const clean = cleanName(nameOrId);
      const found =
        all.find((agent) => agent.id === nameOrId) ??
        all.find((agent) => agent.name === nameOrId) ??
        all.find((agent) => agent.name === clean && clean !== "");
      const unknown = known.unreadable.find(({ isNameUnknown }) => isNameUnknown);
      if (found === undefined && unknown !== undefined) throw maybeNamed(nameOrId, unknown);
      return found;
    },

    /** Finishes what killed processes began, and logs which agents cannot be read. */
    async sweep(): Promise<void> {
      await store.sweep(world.removeBlocksOf);
      for (const { error } of (await store.list()).unreadable) log.log("info", `${error.what}: ${error.advice}`);
    },

    /** Agents that must be repaired before they can continue. Reads every log: `list` knows damaged manifests only. */
    async damaged(): Promise<readonly AgentId[]> {
      const damaged: AgentId[] = [];
      for (const { id, damage } of await list()) {
        if (damage !== undefined) damaged.push(id);
        else if (live.get(id) === undefined && (await damageOf(id)) !== undefined) damaged.push(id);
      }
      return damaged;
    },

    async repair(id: AgentId): Promise<AgentRepair> {
      const name = live.get(id)?.name;
      if (name !== undefined) {
        const advice = "go on with it: nothing needs to be repaired";
        throw new InvalidRequestError(`${name} is open here and can be written`, advice, { agent: id });
      }
      const repaired = await store.repair(id, {
        understand: understandEntries,
        isTurn: ({ type }) => type === "turn",
        fallback: async () => ({ name: `repaired ${id.slice(0, 6)}`, ...(await folderModel(options)) }),
      });
      const summary = (await list()).find((agent) => agent.id === id);
      if (summary !== undefined) world.fire({ type: "changed", summary });
      return repaired;
    },
  };
}

/** A delegate whose agent is gone is an agent like others. */
function withParent(summary: AgentSummary, there: ReadonlySet<AgentId>): AgentSummary {
  const { delegateOf, ...rest } = summary;
  return delegateOf === undefined || there.has(delegateOf) ? summary : rest;
}
