import type { AgentId, AgentSummary } from "../../protocol/service";

const titleStart = "/Instructions of ";

/** The address of an agent's instructions: the id is the authority, the title of the tab is the path. */
export interface InstructionsAddress {
  readonly authority: string;
  readonly path: string;
}

export function instructionsAddress({ id, name }: Pick<AgentSummary, "id" | "name">): InstructionsAddress {
  return { authority: id, path: titleStart + name.replace(/[/\\\s]+/g, " ").trim() };
}

/** The agent of an address; `undefined` if it is not one of instructions. */
export function agentOfAddress({ authority, path }: InstructionsAddress): AgentId | undefined {
  const isTitle = path.startsWith(titleStart) && !path.slice(1).includes("/");
  return authority !== "" && isTitle ? authority : undefined;
}
