import * as vscode from "vscode";
import type { Attachment } from "../../common/attachments";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import { freeName } from "../../common/names";
import type {
  AgentId,
  AgentRepair,
  AgentServer,
  AgentSummary,
  CreateAgentRequest,
  FinishReason,
  ResidentService,
  TurnFigures,
  TurnView,
} from "../../protocol/service";
import { isStep, turnsOf } from "../../protocol/turnSteps";
import { giveFirstTools } from "../acting/chooseTools";
import { rewindTo } from "../acting/rewinding";
import type { WorkspaceActing } from "../acting/workspaceActing";
import type { ChatPanels } from "../chat/chatPanels";
import { flagField, numberField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { sentence } from "../commands/errorText";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { samplingArgument } from "../engine/settingsReader";
import type { AgentFiles } from "../files/agentFiles";
import { sentAttachments } from "../files/draftFiles";
import { openInstructions } from "../instructions/openInstructions";
import { type AboutAgentCommand, registerAboutAgent } from "./aboutAgent";
import { type AgentPicker, pickTurn } from "./agentPicker";
import { setAgentSampling } from "./agentSampling";
import { setAgentThinking } from "./agentThinking";
import { pickKeptTurns } from "./keptTurns";
import { lastUsed } from "./lastUsed";
import { askNewAgent } from "./newAgentBox";
import { useOtherModel } from "./otherModel";
import { RowClicks } from "./rowClicks";

export interface AgentCommandPorts {
  readonly service: ServiceHandle;
  readonly panels: ChatPanels;
  readonly picker: AgentPicker;
  readonly files: Pick<AgentFiles, "changes" | "drafts">;
  readonly acting: Pick<WorkspaceActing, "stop" | "rewinding" | "tools"> & {
    readonly agents: Pick<WorkspaceActing["agents"], "endOfTurn">;
  };
}

/** What `askAgent` returns when its answer has ended. */
export interface AskResult {
  readonly agent: string;
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly figures: TurnFigures;
}

/** What `askAgent` returns when all steps of the turn have ended. */
export interface TurnResult {
  readonly agent: string;
  /** Of the last answer. */
  readonly text: string;
  /** One for each answer, oldest first: its calls, and what the calls before it gave. */
  readonly steps: readonly TurnView[];
  /** Why it ended before it was answered, one sentence. */
  readonly stopped?: string;
}

/**
 * The commands about one agent. Each takes `{ agent }` (id or name) in addition to its own fields and asks for what is
 * missing; each returns the agent's summary unless its comment says otherwise.
 */
export function registerAgentCommands(registry: CommandRegistry, ports: AgentCommandPorts): Disposable {
  const { service, panels } = ports;
  const store = new DisposableStore();
  const about = (...command: AboutAgentCommand) => store.add(registerAboutAgent(registry, ports, ...command));

  store.add(registry.register(commands.newAgent, (argument) => newAgent(argument, ports)));
  store.add(
    registry.register(commands.openLastAgent, async () => {
      const agent = lastUsed(await (await service.get()).listAgents());
      if (agent === undefined) return newAgent(undefined, ports);
      panels.open(agent);
      return agent;
    }),
  );
  const clicks = new RowClicks();
  // A click shows the chat and keeps the focus in the tree, a double click moves it into the chat, as with files.
  about(commands.openAgent, "Open Agent", async (agent, _door, argument) => {
    const isClick = textField(argument, "from") === "row";
    await panels.open(agent, { keepTreeFocus: isClick && !clicks.isSecond(agent.id) });
    return agent;
  });
  about(commands.askAgent, "Ask Agent", (agent, door, argument) => ask(agent, door, argument, ports));
  about(commands.stopAgent, "Stop Answer", async (agent) => {
    await ports.acting.stop(agent.id);
    return agent;
  });
  about(commands.regenerate, "Regenerate Answer", async (agent, door, argument) => {
    const running = await door.regenerate(agent.id, textField(argument, "turn"), samplingArgument(argument));
    await panels.open(agent);
    const { text, finishReason, figures } = await running.done;
    return { agent: agent.id, text, finishReason, figures } satisfies AskResult;
  });
  about(commands.saveAgent, "Save Agent", (agent, door) => door.saveAgent(agent.id));
  about(commands.pinAgent, "Pin Agent", (agent, door) => door.pinAgent(agent.id, true));
  about(commands.unpinAgent, "Unpin Agent", (agent, door) => door.pinAgent(agent.id, false));
  about(commands.renameAgent, "Rename Agent", rename);
  about(commands.editInstructions, "Edit Instructions", editInstructions);
  about(commands.agentSampling, "Agent's Sampling", setAgentSampling);
  about(commands.agentThinking, "Agent's Thinking", setAgentThinking);
  about(commands.forkAgent, "Fork Agent", async (agent, door, argument) => {
    const name =
      textField(argument, "name") ?? (await askName(`Fork ${agent.name}`, await freeNameLike(agent.name, door)));
    if (name === undefined) return undefined;
    const fork = await door.forkAgent(agent.id, name, textField(argument, "turn"));
    await panels.open(fork);
    return fork;
  });
  about(commands.useOtherModel, "Use Another Model", async (agent, door, argument) => {
    const used = await useOtherModel(agent, door, argument, (wanted) => freeNameLike(wanted, door));
    if (used !== undefined && !flagField(argument, "background")) await panels.open(used);
    return used;
  });
  about(commands.rewindAgent, "Rewind Agent", (agent, door, argument) => rewind(agent, door, argument, ports.acting));
  about(commands.keepLastTurns, "Start Over", (agent, door, argument) => keepLastTurns(agent, door, argument, panels));
  about(commands.deleteAgent, "Delete Agent", deleteAgent);
  about(commands.repairAgent, "Repair Agent", repairAgent);
  return store;
}

/**
 * Arguments: name, system, model (a directory), or server and serverModel, like (an agent whose instructions, model, sampling and thinking it gets), background (does
 * not open the panel), prompt (below the field for the name).
 */
async function newAgent(
  argument: unknown,
  { service, panels, acting }: AgentCommandPorts,
): Promise<AgentSummary | undefined> {
  const door = await service.get();
  const given = textField(argument, "name");
  const asked =
    given === undefined
      ? await askNewAgent(
          door,
          await freeNameLike(`Agent ${(await door.listAgents()).length + 1}`, door),
          textField(argument, "prompt"),
        )
      : { name: given };
  if (asked === undefined) return undefined;
  const { name } = asked;
  const like = textField(argument, "like");
  const example = like === undefined ? undefined : await door.getAgent((await door.findAgent(like))?.id ?? like);
  const system = textField(argument, "system") ?? example?.system;
  const said = textField(argument, "model") ?? asked.modelDirectory;
  const server = said === undefined ? (serverArgument(argument) ?? example?.server) : undefined;
  const modelDirectory = said ?? (server === undefined ? example?.modelDirectory : undefined);
  const agent = await createBesideUnreadable(door, {
    name,
    ...(system === undefined ? {} : { system }),
    ...(modelDirectory === undefined ? {} : { modelDirectory }),
    ...(server === undefined ? {} : { server }),
    ...(example?.thinking === undefined ? {} : { thinking: example.thinking }),
  });
  if (agent === undefined) return undefined;
  const sampled = example?.sampling === undefined ? agent : await door.setAgentSampling(agent.id, example.sampling);
  const made = await giveFirstTools(sampled, door, example, acting.tools.list());
  if (!flagField(argument, "background")) await panels.open(made);
  return made;
}

function serverArgument(argument: unknown): AgentServer | undefined {
  const address = textField(argument, "server");
  return address === undefined ? undefined : { address, model: textField(argument, "serverModel") ?? "" };
}

/** Asks the person first if an agent that cannot be read may have the same name. */
async function createBesideUnreadable(
  door: ResidentService,
  request: CreateAgentRequest,
): Promise<AgentSummary | undefined> {
  try {
    return await door.createAgent(request);
  } catch (error) {
    const { what, advice, facts } = toErrorInfo(error);
    if (facts["unknownName"] !== true) throw error;
    const answer = await vscode.window.showWarningMessage(
      `Make a new agent "${request.name}"?`,
      { modal: true, detail: `${sentence(what)} ${sentence(advice)}` },
      "Make a New Agent",
    );
    return answer === undefined ? undefined : door.createAgent({ ...request, allowUnreadable: true });
  }
}

/**
 * Arguments: text, attached (what the chat's draft carries goes with it), background, toEnd, and those of sampling. Resolves when
 * the answer has ended; with toEnd when the steps behind it have ended too, as far as the agent goes by itself.
 */
async function ask(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  { panels, files, acting }: AgentCommandPorts,
): Promise<AskResult | TurnResult | undefined> {
  const text =
    textField(argument, "text") ??
    (await vscode.window.showInputBox({ title: `Ask ${agent.name}`, placeHolder: "Message", ignoreFocusOut: true }));
  if (text === undefined) return undefined;
  if (!flagField(argument, "background")) await panels.open(agent);
  const carried = flagField(argument, "attached") ? await files.drafts.get(agent.id) : [];
  const attachments = [...(await files.changes(agent.id)), ...sentAttachments(carried)];
  const running = await door.send(agent.id, { text, attachments, sampling: samplingArgument(argument) });
  if (carried.length > 0) await files.drafts.change(agent.id, (held) => held.filter((file) => !carried.includes(file)));
  const { text: answer, finishReason, figures } = await running.done;
  if (!flagField(argument, "toEnd")) return { agent: agent.id, text: answer, finishReason, figures };
  const stopped = await acting.agents.endOfTurn(agent.id);
  const steps = turnsOf((await door.getAgent(agent.id)).turns).at(-1) ?? [];
  const said = steps.at(-1)?.answer ?? "";
  return { agent: agent.id, text: said, steps, ...(stopped === undefined ? {} : { stopped }) };
}

async function rename(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
): Promise<AgentSummary | undefined> {
  const name = textField(argument, "name") ?? (await askName(`Rename ${agent.name}`, agent.name));
  return name === undefined ? undefined : door.renameAgent(agent.id, name);
}

/** Argument: system, the new instructions. Without it they are opened in an editor, which sets them when it is saved. */
async function editInstructions(agent: AgentSummary, door: ResidentService, argument: unknown): Promise<AgentSummary> {
  const system = textField(argument, "system");
  if (system !== undefined) return door.setSystemPrompt(agent.id, system);
  await openInstructions(agent);
  return agent;
}

/** Arguments: turn, or toStart for the place before the first turn. */
async function rewind(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  { rewinding }: AgentCommandPorts["acting"],
): Promise<AgentSummary | undefined> {
  const turn = textField(argument, "turn");
  if (turn !== undefined || flagField(argument, "toStart")) return rewindTo(door, agent.id, turn, rewinding);
  const detail = await door.getAgent(agent.id);
  const chosen = await pickTurn(detail, `Rewind ${agent.name}: the turn to go back to`, { withStart: true });
  return chosen && rewindTo(door, agent.id, chosen.turn, rewinding);
}

/**
 * Argument: turns. If the head is a message that did not fit the context, it is sent again after the kept turns,
 * because the context was full when the person sent it.
 */
async function keepLastTurns(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  panels: ChatPanels,
): Promise<AgentSummary | undefined> {
  const detail = await door.getAgent(agent.id);
  const turns =
    numberField(argument, "turns") ?? (await pickKeptTurns(detail, `Start ${agent.name} over: the turns to keep`));
  if (turns === undefined) return undefined;
  const last = detail.turns.at(-1);
  const isRefused = last?.state === "failed" && last.answer === "" && !isStep(last);
  const attachments = isRefused ? await attachmentsOf(agent.id, last, door) : [];
  const restarted = await door.startOver(agent.id, turns);
  await panels.open(restarted);
  if (isRefused) {
    await door.send(agent.id, { text: last.user, attachments, sampling: samplingArgument(argument) });
  }
  return restarted;
}

function attachmentsOf(
  agent: AgentId,
  { id, attachments = [] }: TurnView,
  door: ResidentService,
): Promise<readonly Attachment[]> {
  return Promise.all(
    attachments.map(async ({ length: _, ...view }, index) => ({
      ...view,
      text: await door.attachmentText(agent, id, index),
    })),
  );
}

/** Argument: force (does not ask). Returns what was deleted. */
async function deleteAgent(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
): Promise<AgentSummary | undefined> {
  if (!flagField(argument, "force")) {
    const answer = await vscode.window.showWarningMessage(
      `Delete "${agent.name}"?`,
      {
        modal: true,
        detail:
          "Its conversation, and what is kept on disk for it alone, are deleted. Forks keep theirs. This cannot be undone.",
      },
      "Delete",
    );
    if (answer !== "Delete") return undefined;
  }
  await door.deleteAgent(agent.id);
  return agent;
}

/** Shows and returns what the repair found and did. */
async function repairAgent(agent: AgentSummary, door: ResidentService): Promise<AgentRepair> {
  const repair = await door.repairAgent(agent.id);
  const { name, wasWhole, keptTurns, lostTurns, lostRecords } = repair;
  const lost = lostRecords === 0 ? "Nothing is lost." : `${lostTurns} turns (${lostRecords} records) are lost.`;
  const text = wasWhole ? `"${name}" is whole.` : `"${name}" is repaired: ${keptTurns} turns are kept. ${lost}`;
  void vscode.window.showInformationMessage(text);
  return repair;
}

function askName(title: string, value: string): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title,
    value,
    prompt: "Name",
    ignoreFocusOut: true,
    validateInput: (name) => (name.trim() === "" ? "Write a name." : undefined),
  });
}

async function freeNameLike(name: string, door: ResidentService): Promise<string> {
  const agents = await door.listAgents();
  return freeName(
    name,
    agents.map((agent) => agent.name),
  );
}
