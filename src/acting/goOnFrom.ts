import type { AgentId, ResidentService, TurnView } from "../protocol/service";

/** An answer at an agent's head that was cut goes on; one that had said nothing begins again. */
export async function goOnFrom(
  door: Pick<ResidentService, "regenerate" | "continueAnswer">,
  agent: AgentId,
  { answer, id }: Pick<TurnView, "answer" | "id">,
): Promise<void> {
  await (answer === "" ? door.regenerate(agent, id) : door.continueAnswer(agent));
}
