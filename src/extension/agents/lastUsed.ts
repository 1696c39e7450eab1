import type { AgentSummary } from "../../protocol/service";
import { ownAgents } from "./ownAgents";

/** The agent that was used last, delegates aside; `undefined` where there is none. */
export function lastUsed(agents: readonly AgentSummary[]): AgentSummary | undefined {
  return ownAgents(agents).reduce<AgentSummary | undefined>(
    (latest, agent) => (latest === undefined || agent.lastUsedAt > latest.lastUsedAt ? agent : latest),
    undefined,
  );
}
