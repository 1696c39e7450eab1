/** Instructions as a document: the agent's id is in the path, its name is the title of the tab. */
import type { AgentId, AgentSummary } from "../../protocol/service";

const title = "Instructions of ";

export function instructionsPath({ id, name }: Pick<AgentSummary, "id" | "name">): string {
  return `/${id}/${title}${name.replace(/[/\\\s]+/g, " ").trim()}`;
}

/** The agent of a path; `undefined` if it is not a path of instructions. */
export function agentOfPath(path: string): AgentId | undefined {
  const [root, id, name, ...more] = path.split("/");
  return root === "" && id !== undefined && id !== "" && name?.startsWith(title) && more.length === 0 ? id : undefined;
}
