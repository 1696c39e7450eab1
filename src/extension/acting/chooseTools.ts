import * as vscode from "vscode";
import { builtInSpecs } from "../../acting/builtInTools";
import { withActing, withoutActing } from "../../acting/instructions";
import { InvalidRequestError } from "../../common/errors";
import { modelLabel } from "../../common/modelLabel";
import { shownName } from "../../common/shownName";
import type { ToolSpec } from "../../common/tools";
import type { AgentSummary, ResidentService } from "../../protocol/service";
import { isBuiltIn } from "../../protocol/toolNames";
import { templateFactsOf } from "../agents/agentThinking";
import { textsField } from "../commands/commandArguments";
import { readSetting } from "../engine/settingsReader";
import { chosenSpecs, type ToolRow, toolRows } from "./toolChoices";
import { defaultTools } from "./toolSettings";

type ToolsDoor = Pick<ResidentService, "templateFacts" | "setAgentTools" | "setSystemPrompt" | "getAgent">;

/**
 * Gives an agent the tools that the person chooses, built-in ones and `others`. Argument: tools, a list of names. Rejects with
 * INVALID_REQUEST where its model takes none, and says why.
 */
export async function chooseTools(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  others: readonly ToolSpec[],
): Promise<AgentSummary | undefined> {
  await assertTakesTools(agent, door);
  const had = agent.tools ?? [];
  const given = textsField(argument, "tools");
  const rows = toolRows(given ?? had.map(({ name }) => name), builtInSpecs, others);
  const unknown = given && rows.find(({ isGone }) => isGone)?.name;
  if (unknown !== undefined) {
    throw new InvalidRequestError(`there is no tool "${unknown}" here`, "choose from those that are", {
      tool: unknown,
    });
  }
  const names = given ?? (await pick(agent, rows));
  return names && giveTools(agent.id, door, chosenSpecs(names, [...builtInSpecs, ...others], had));
}

/** With built-in tools the agent's instructions also say how to work with them; without, they do not. */
async function giveTools(id: string, door: ToolsDoor, tools: readonly ToolSpec[]): Promise<AgentSummary> {
  const { system } = await door.getAgent(id, 1);
  const acts = tools.some(({ name }) => isBuiltIn(name));
  const wanted = acts ? withActing(system) : withoutActing(system);
  const given = await door.setAgentTools(id, tools);
  return wanted === system ? given : door.setSystemPrompt(id, wanted);
}

/** A new agent has the tools of the one that it is made like, else those of the settings, where its model takes any. */
export async function giveFirstTools(
  agent: AgentSummary,
  door: ToolsDoor,
  example: Pick<AgentSummary, "tools"> | undefined,
  others: readonly ToolSpec[],
): Promise<AgentSummary> {
  const tools = example?.tools ?? chosenSpecs(defaultTools(readSetting), [...builtInSpecs, ...others], []);
  if (tools.length === 0) return agent;
  const { takesTools } = await templateFactsOf(agent, door);
  return takesTools ? giveTools(agent.id, door, tools) : agent;
}

async function assertTakesTools(agent: AgentSummary, door: Pick<ResidentService, "templateFacts">): Promise<void> {
  const { takesTools, hasChatTemplate } = await templateFactsOf(agent, door);
  if (takesTools) return;
  const why = hasChatTemplate ? "its chat template has no place for tools" : "it has no chat template";
  throw new InvalidRequestError(
    `${modelLabel(agent)} takes no tools: ${why}`,
    "choose a model that does, or use another one for this agent",
    {
      agent: agent.id,
    },
  );
}

interface ToolItem extends vscode.QuickPickItem {
  readonly name?: string;
}

async function pick(agent: AgentSummary, rows: readonly ToolRow[]): Promise<readonly string[] | undefined> {
  const item = ({ name, description, isChosen }: ToolRow): ToolItem => ({
    label: name,
    name,
    detail: description,
    picked: isChosen,
  });
  const others = rows.filter(({ isOther }) => isOther);
  const items: ToolItem[] = [
    { label: "Resident", kind: vscode.QuickPickItemKind.Separator },
    ...rows.filter(({ isOther }) => !isOther).map(item),
    ...(others.length === 0
      ? []
      : [
          { label: "VS Code, extensions and MCP servers", kind: vscode.QuickPickItemKind.Separator },
          ...others.map(item),
        ]),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: `Tools of ${shownName(agent.name)}`,
    placeHolder: "A small model works best with few. Another choice means that the conversation is read again.",
    canPickMany: true,
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  return chosen?.flatMap(({ name }) => (name === undefined ? [] : [name]));
}
