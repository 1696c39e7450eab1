import { ResidentError, toErrorInfo } from "../common/errors";
import type { AgentId, AgentSummary } from "../protocol/service";
import type { AgentWorld } from "./agentWorld";
import type { LiveAgent } from "./liveAgent";

/** Removes agents, and the block files that no other agent refers to. */
export function agentDeletion(world: AgentWorld, list: () => Promise<readonly AgentSummary[]>) {
  const { live, residency, options } = world;
  const { store, log } = options;

  async function removeFolder(id: AgentId, agent: LiveAgent | undefined): Promise<void> {
    if (agent === undefined) return store.remove(id, undefined, world.removeBlocksOf);
    agent.deleted = true;
    try {
      agent.stop();
      await agent.work?.over;
      await agent.over;
      await residency.drop(agent);
      await store.remove(id, agent.writer, world.removeBlocksOf);
    } catch (error) {
      // The agent is still there, and is saved like any other.
      agent.deleted = false;
      throw error;
    }
  }

  async function deleteOne(id: AgentId): Promise<void> {
    await removeFolder(id, live.get(id));
    live.forget(id);
    world.fire({ type: "deleted", id });
  }

  async function deleteWithDelegates(id: AgentId): Promise<void> {
    await deleteOne(id);
    const stays = (error: unknown) =>
      log.log("warn", `an agent that answered for a deleted one stays: ${toErrorInfo(error).what}`);
    const delegates = await store.delegatesOf(id).catch((error: unknown) => {
      stays(error);
      return [];
    });
    for (const delegate of delegates) await deleteWithDelegates(delegate).catch(stays);
  }

  return {
    /**
     * Stops its answer, then removes it. A damaged one goes too. Its delegates follow; one that cannot be deleted stays as an
     * agent like others.
     */
    delete: deleteWithDelegates,

    /** Deletes all agents. Throws AGENT_LOCKED, nothing deleted, while another process uses one. */
    async deleteAll(): Promise<number> {
      const all = await list();
      const locked: string[] = [];
      for (const { id, name } of all) {
        const isOurs = live.get(id) !== undefined;
        if (!isOurs && (await store.lockState(id)) === "held") locked.push(name);
      }
      if (locked.length > 0) {
        const what = `another window or program is using ${locked.join(", ")}`;
        throw new ResidentError("AGENT_LOCKED", what, "close it there and try again", { agents: locked.length });
      }
      for (const { id } of all) await deleteOne(id);
      return all.length;
    },
  };
}
