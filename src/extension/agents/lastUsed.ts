import type { AgentSummary } from "../../protocol/service";

/** The agent that was used last; `undefined` where there is none. */
export function lastUsed(agents: readonly AgentSummary[]): AgentSummary | undefined {
  return agents.reduce<AgentSummary | undefined>(
    (latest, agent) => (latest === undefined || agent.lastUsedAt > latest.lastUsedAt ? agent : latest),
    undefined,
  );
}
