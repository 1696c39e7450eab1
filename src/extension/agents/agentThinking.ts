import * as vscode from "vscode";
import { InvalidRequestError } from "../../common/errors";
import { isThinking, type Thinking } from "../../common/thinking";
import type { AgentSummary, ResidentService, TemplateFacts } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import { modelsOwn, thinkingRows } from "./thinkingChoices";

/** Argument: thinking, "on", "off", "kept" or "own". Without it the person chooses from what the model's template asks. */
export async function setAgentThinking(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
): Promise<AgentSummary | undefined> {
  const given = textField(argument, "thinking");
  if (given !== undefined) return door.setAgentThinking(agent.id, checked(given));
  const { thinkingChoices } = await templateFactsOf(agent, door);
  if (thinkingChoices.length === 0) {
    throw new InvalidRequestError(
      `the template of ${agent.modelName} does not ask whether to think`,
      "choose a model that can think, or ask for it in the message",
      { model: agent.modelName },
    );
  }
  const chosen = await vscode.window.showQuickPick(thinkingRows(thinkingChoices, agent.thinking), {
    title: `How ${agent.name} Thinks`,
    placeHolder: "From the next answer on. Another choice may mean that a part of the conversation is read again.",
  });
  return chosen && door.setAgentThinking(agent.id, chosen.thinking);
}

/** Of a server's template nothing is known: it is told what the person chooses, and may not care. */
export async function templateFactsOf(
  agent: AgentSummary,
  door: Pick<ResidentService, "templateFacts">,
): Promise<TemplateFacts> {
  if (agent.server === undefined) return door.templateFacts(agent.modelDirectory);
  return { hasChatTemplate: true, thinkingChoices: ["on", "off"], insistsOnDate: false, takesTools: true };
}

function checked(given: string): Thinking | undefined {
  if (given === modelsOwn || isThinking(given)) return given === modelsOwn ? undefined : given;
  throw new InvalidRequestError(`an agent cannot think '${given}'`, "choose on, off, kept or own", { thinking: given });
}
