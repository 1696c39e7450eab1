import type { AgentId } from "../protocol/service";
import { agentAhead } from "./agentAhead";
import { agentBranches } from "./agentBranches";
import { agentContents } from "./agentContents";
import { agentDeletion } from "./agentDeletion";
import { agentDirectory } from "./agentDirectory";
import { agentMaking } from "./agentMaking";
import { agentSettings } from "./agentSettings";
import { agentTurns } from "./agentTurns";
import { type AgentsOptions, AgentWorld } from "./agentWorld";
import { LocalAnswers } from "./localAnswers";
import { copiesWithModel } from "./otherModel";
import { ServerAnswers } from "./serverAnswers";
import { storedServer } from "./serverPort";
import { TurnRunner } from "./turnRunner";
import { TurnStarter } from "./turnStarter";

export type Agents = ReturnType<typeof createAgents>;

/** All agents of a world. Those that this process writes are live; the others are read from disk on demand. */
export function createAgents(options: AgentsOptions) {
  const { models, servers, clock, sampling: settings } = options;
  const world = new AgentWorld(options);
  const { live, residency, locks, onEvent } = world;
  const local = new LocalAnswers({
    ...{ models, clock, settings },
    onRefused: ({ id }, refused) => world.fire({ type: "refused", id, refused }),
  });
  const remote = new ServerAnswers({ servers, clock, settings });
  const runner = new TurnRunner({
    clock,
    engineOf: ({ writer }) => (storedServer(writer.manifest) === undefined ? local : remote),
    onChange: (agent) => void world.changed(agent),
  });
  const starter = new TurnStarter(world, runner);
  const contents = agentContents(world);
  const directory = agentDirectory(world, contents.get);
  return {
    onEvent,
    residency,
    ...contents,
    ...directory,
    ...agentMaking(world, contents.get),
    ...copiesWithModel(world),
    ...agentDeletion(world, directory.list),
    ...agentSettings(world),
    ...agentBranches(world, { local, remote }),
    ...agentAhead(world),
    ...agentTurns(world, starter),

    /** A panel begins or ceases to show the agent. While a panel shows it, its lock and its logs are kept. */
    setShown(id: AgentId, shown: boolean): void {
      locks.setShown(id, shown);
    },

    /** Keys of the blocks that agents in memory use now. They must not be evicted from disk. */
    neededKeys(): ReadonlySet<string> {
      const hot = live.all().filter((agent) => agent.cache.holdsBlocks || agent.activity !== undefined);
      return new Set(hot.flatMap((agent) => agent.cache.keysInUse));
    },

    /** Stops answers, saves what is unsaved, releases every lock. */
    async close(): Promise<void> {
      locks.dispose();
      for (const agent of live.all()) agent.stop();
      await Promise.all([starter.allOver(), ...live.all().map(({ work }) => work?.over)]);
      for (const agent of live.all()) {
        await residency.evict(agent);
        await agent.writer.close();
        live.forget(agent.id);
      }
    },
  };
}
