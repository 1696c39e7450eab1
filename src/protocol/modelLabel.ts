import type { AgentSummary } from "./service";

/** The model of an agent as people see it: "NAME", or "NAME on HOST". */
export function modelLabel({ modelName, server }: Pick<AgentSummary, "modelName" | "server">): string {
  return server === undefined ? modelName : `${modelName} on ${hostOf(server.address)}`;
}

/** Host and port of a server's address. */
export function hostOf(address: string): string {
  return new URL(address).host;
}
