import { InvalidRequestError } from "../common/errors";
import type { AgentDetail, AgentId, AgentSummary, CreateAgentRequest, ForkOptions, TurnId } from "../protocol/service";
import { dayOf } from "../text/strftime";
import { checkedThinking, dayOfAgent } from "./agentFrame";
import { folderModel, serverModel } from "./agentModel";
import { nameForNumber, validName } from "./agentName";
import { toolsText } from "./agentTools";
import type { AgentWorld } from "./agentWorld";
import { wholeTree } from "./readTree";
import { countTokens } from "./turnTree";

/** New agents: empty ones, and forks. */
export function agentMaking(world: AgentWorld, get: (id: AgentId, newestTurns: number) => Promise<AgentDetail>) {
  const { live, residency, options } = world;
  const { store } = options;
  return {
    async create({
      name,
      system = "",
      modelDirectory,
      allowUnreadable,
      thinking,
      tools = [],
      server,
    }: CreateAgentRequest): Promise<AgentSummary> {
      const wanted = {
        ...{ name: validName(name), system },
        ...(server === undefined
          ? await folderModel(options, modelDirectory)
          : { modelDirectory: "", ...(await serverModel(options, server)) }),
        day: dayOf(new Date(options.wallClockMs())),
        ...(thinking === undefined ? {} : { thinking: checkedThinking(thinking) }),
        ...(tools.length === 0 ? {} : { tools: toolsText(tools) }),
      };
      const writer = await store.create(wanted, { allowUnreadable: allowUnreadable === true });
      return world.adopt(world.made(writer));
    },

    /** Shares the source's blocks in memory and on disk. The source is only read: another process may be writing it. */
    async fork(id: AgentId, name: string, turn?: TurnId, { delegateOf }: ForkOptions = {}): Promise<AgentSummary> {
      if (delegateOf !== undefined && delegateOf !== id) await get(delegateOf, 0);
      const source = live.get(id);
      await source?.writer.commit();
      const stored = await store.read(id);
      const tree = await wholeTree(stored);
      // A turn that is being answered belongs to the source alone.
      const running = source?.activity?.turn;
      const head = turn ?? (running === undefined ? tree.readable(stored.manifest.head) : tree.get(running)?.parent);
      if (turn !== undefined && tree.get(turn) === undefined) {
        throw new InvalidRequestError(`${stored.manifest.name} has no turn ${turn}`, "choose one of its turns", {
          turn,
        });
      }
      const writer = await store.fork(stored, {
        name: delegateOf === undefined ? validName(name) : nameForNumber(name),
        headTokens: countTokens(tree, head),
        headTurns: tree.turnCount(head),
        headCalls: tree.waitingAt(head),
        day: dayOfAgent(stored.manifest),
        ...(head === undefined ? {} : { head }),
        ...(delegateOf === undefined ? {} : { delegateOf }),
      });
      const fork = world.made(writer, tree);
      // A cache that is lent to a read-ahead cannot be shared: its last tokens would be read again.
      if (source !== undefined) await residency.readAhead.stop(source);
      source?.cache.shareWith(fork.cache, writer.manifest.headTokens);
      return world.adopt(fork);
    },
  };
}
