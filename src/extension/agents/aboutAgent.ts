import type { Disposable } from "../../common/disposables";
import type { AgentSummary, ResidentService } from "../../protocol/service";
import type { CommandRegistry } from "../commands/commandRegistry";
import type { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { AgentPicker } from "./agentPicker";

export interface AboutAgentPorts {
  readonly service: Pick<ServiceHandle, "get">;
  readonly picker: AgentPicker;
}

type AgentWork = (agent: AgentSummary, door: ResidentService, argument: unknown) => Promise<unknown>;

/** Its id, the title of the question which agent is meant, and what it does. */
export type AboutAgentCommand = readonly [id: (typeof commands)[keyof typeof commands], title: string, work: AgentWork];

/**
 * Registers a command about one agent: `{ agent }` (id or name) in its argument, else the person is asked under `title`. Returns
 * what `work` returns, nothing where the person chose none.
 */
export function registerAboutAgent(
  registry: CommandRegistry,
  { service, picker }: AboutAgentPorts,
  ...[id, title, work]: AboutAgentCommand
): Disposable {
  return registry.register(id, async (argument) => {
    const door = await service.get();
    const agent = await picker.resolve(door, argument, title);
    return agent && work(agent, door, argument);
  });
}
