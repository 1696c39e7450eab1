import * as vscode from "vscode";
import { throwIfAborted } from "../../common/errors";
import { createFormats, plural } from "../../common/format";
import type { AgentSummary, ResidentService } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import { withCancel } from "../commands/progress";
import { pickModel } from "../models/modelPick";

/**
 * A copy of the agent that goes on with another model. Arguments: model (its directory), name; a person is told how many
 * tokens are read first.
 */
export async function useOtherModel(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  freeName: (wanted: string) => Promise<string>,
): Promise<AgentSummary | undefined> {
  const said = textField(argument, "model");
  const title = `Use Another Model: ${agent.name}`;
  const model = said === undefined ? await pickModel(door, title, agent.modelDirectory) : undefined;
  const directory = said ?? model?.directory;
  if (directory === undefined) return undefined;
  const name = textField(argument, "name") ?? (await freeName(agent.name));
  if (model !== undefined && !(await isSure(agent, door, directory, model.name, name))) return undefined;
  return door.copyWithModel(agent.id, name, directory);
}

async function isSure(
  agent: AgentSummary,
  door: ResidentService,
  directory: string,
  model: string,
  name: string,
): Promise<boolean> {
  const formats = createFormats(vscode.env.language);
  const { tokens, contextTokens } = await withCancel("Resident: Counting tokens", async (_, signal) => {
    const size = await door.measureWithModel(agent.id, directory);
    throwIfAborted(signal); // a person who has cancelled is asked nothing
    return size;
  });
  const read = `${plural(tokens, "token", formats)} of the conversation will be read with the next message`;
  const room = tokens < contextTokens ? "" : ` They do not fit: its context has ${formats.count(contextTokens)}.`;
  const detail = `${read}, because tokens belong to one model.${room} The copy is called ${name}. ${agent.name} stays as it is, with its cache.`;
  const go = "Make a Copy";
  const asked = `Go on with ${model}?`;
  return (await vscode.window.showInformationMessage(asked, { modal: true, detail }, go)) === go;
}
