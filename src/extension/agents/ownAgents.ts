import type { AgentId, AgentSummary } from "../../protocol/service";

/** The agents that a person has made; delegates belong to the agent that forked them. */
export function ownAgents<One extends Pick<AgentSummary, "delegateOf">>(agents: readonly One[]): readonly One[] {
  return agents.filter(({ delegateOf }) => delegateOf === undefined);
}

/** Forks that answer, or have answered, for an agent. */
export function delegatesOf<One extends Pick<AgentSummary, "delegateOf">>(
  agent: AgentId,
  agents: readonly One[],
): readonly One[] {
  return agents.filter(({ delegateOf }) => delegateOf === agent);
}
