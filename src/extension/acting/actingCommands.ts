import * as vscode from "vscode";
import type { Question } from "../../acting/ports";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import { type ApprovalWay, approvalWays } from "../../protocol/acting";
import { mostWays } from "../../protocol/chatActing";
import type { AgentSummary, ResidentService } from "../../protocol/service";
import { turnsOf } from "../../protocol/turnSteps";
import { type AboutAgentCommand, type AboutAgentPorts, registerAboutAgent } from "../agents/aboutAgent";
import { pickTurn } from "../agents/agentPicker";
import { oneLine } from "../agents/oneLine";
import { agentArgument, flagField, numberField, textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands } from "../contributions";
import { changeAtHand } from "./changeCommands";
import { chooseTools } from "./chooseTools";
import { compactConversation } from "./compactConversation";
import { reviewWaiting } from "./reviewWaiting";
import { showWaiting } from "./waitingStatus";
import type { WorkspaceActing } from "./workspaceActing";

export interface ActingCommandPorts extends AboutAgentPorts {
  readonly acting: WorkspaceActing;
}

/** The commands about what agents do. Like those about agents they take `{ agent }` and fields of their own, and return plain data. */
export function registerActingCommands(registry: CommandRegistry, ports: ActingCommandPorts): Disposable {
  const { acting } = ports;
  const store = new DisposableStore();
  store.add(showWaiting(acting.approvals));
  const about = (...command: AboutAgentCommand) => store.add(registerAboutAgent(registry, ports, ...command));
  about(commands.chooseTools, "Choose Tools", (agent, door, argument) =>
    chooseTools(agent, door, argument, acting.tools.list()),
  );
  about(commands.continueActing, "Go On", async (agent) => {
    await acting.agents.goOn(agent.id);
    return agent;
  });
  about(commands.putFilesBack, "Put Files Back", (agent, door, argument) =>
    putFilesBack(agent, door, argument, acting),
  );
  about(commands.answerInWays, "Answer Three Ways", (agent, door, argument) =>
    answerInWays(agent, door, argument, acting),
  );
  about(commands.chooseWay, "Choose One of the Ways", (agent, _door, argument) => chooseWay(agent, argument, acting));
  about(commands.compactConversation, "Compact Conversation", async (agent, door, argument) => {
    await acting.agents.settle(agent.id);
    return compactConversation(agent, door, argument);
  });
  store.add(registry.register(commands.reviewWaiting, (argument) => review(argument, acting)));
  for (const [id, way] of [
    [commands.acceptChange, "allow"],
    [commands.rejectChange, "deny"],
  ] as const) {
    store.add(
      registry.register(id, async (argument) => {
        const { agent, call } = changeAtHand(argument);
        await acting.decisions.decide(agent, call, way);
        return { agent, call, way };
      }),
    );
  }
  return store;
}

/**
 * Arguments: turn (its message and all that follows; absent: the person chooses), files ("plain" or "all", as PutBackChoice:
 * does not ask, and takes the last turn where none is named). Returns the paths that were put back.
 */
async function putFilesBack(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  acting: WorkspaceActing,
): Promise<readonly string[] | undefined> {
  const files = textField(argument, "files");
  const choice = files === "plain" || files === "all" ? files : undefined;
  const detail = await door.getAgent(agent.id);
  const title = `Files of ${agent.name}: back as they were before`;
  const named = textField(argument, "turn") ?? (choice && turnsOf(detail.turns).at(-1)?.[0].id);
  const turn = named ?? (await pickTurn(detail, title, { withStart: false }))?.turn;
  return turn === undefined ? undefined : acting.putBack(agent.id, turn, choice);
}

/** Arguments: turn (absent: the last one), ways (absent: 3). */
async function answerInWays(
  agent: AgentSummary,
  door: ResidentService,
  argument: unknown,
  acting: WorkspaceActing,
): Promise<unknown> {
  const ways = numberField(argument, "ways") ?? 3;
  if (!Number.isInteger(ways) || ways < 2 || ways > mostWays) {
    throw new InvalidRequestError(`an agent cannot answer in ${ways} ways`, `ask for 2 to ${mostWays}`, { ways });
  }
  const turn = textField(argument, "turn") ?? turnsOf((await door.getAgent(agent.id)).turns).at(-1)?.[0].id;
  if (turn === undefined) throw new InvalidRequestError(`"${agent.name}" has no turns yet`, "send a message first");
  await acting.agents.settle(agent.id);
  await acting.ways.begin(agent.id, turn, ways);
  return acting.ways.stateOf(agent.id);
}

/** Arguments: way, from 0. */
async function chooseWay(
  agent: AgentSummary,
  argument: unknown,
  acting: WorkspaceActing,
): Promise<AgentSummary | undefined> {
  const given = numberField(argument, "way");
  const way = given ?? (await pickWay(agent, acting));
  if (way === undefined) return undefined;
  await acting.ways.choose(agent.id, way);
  return agent;
}

async function pickWay(agent: AgentSummary, { ways }: WorkspaceActing): Promise<number | undefined> {
  const shown = ways.stateOf(agent.id)?.ways ?? [];
  const items = shown.map(({ turn }, way) => ({ way, label: `${way + 1}`, detail: oneLine(turn.answer) }));
  if (items.length === 0)
    throw new InvalidRequestError(`"${agent.name}" does not answer in several ways`, "ask it for some first");
  const chosen = await vscode.window.showQuickPick(items, {
    title: "The Way to Keep",
    placeHolder: "The others stay as branches",
  });
  return chosen?.way;
}

/**
 * Without arguments the person is asked about what waits. Arguments: list (returns what waits and asks nothing), or agent, call,
 * way and text (decides).
 */
async function review(argument: unknown, acting: WorkspaceActing): Promise<unknown> {
  const { approvals, decisions, agents } = acting;
  if (flagField(argument, "list")) return approvals.questions.map(plainQuestion);
  const [agent, call, way] = [agentArgument(argument), textField(argument, "call"), textField(argument, "way")];
  if (agent !== undefined && call !== undefined) {
    await decisions.decide(agent, call, checkedWay(way), textField(argument, "text"));
    return { agent, call, way };
  }
  if (approvals.questions.length === 0) {
    void vscode.window.showInformationMessage("Nothing waits for you.");
    return 0;
  }
  return reviewWaiting({
    questions: () => approvals.questions,
    nameOf: (id) => agents.nameOf(id),
    decide: (id, asked, chosen, text) => decisions.decide(id, asked, chosen, text),
  });
}

function plainQuestion({ agent, call, kind, question, choices }: Question) {
  return { agent, call: call.id, tool: call.name, kind, question, ways: choices.map(({ way }) => way) };
}

function checkedWay(way: string | undefined): ApprovalWay {
  const known = approvalWays.find((one) => one === way);
  if (known !== undefined) return known;
  throw new InvalidRequestError(`"${way}" is no way to decide`, `choose one of ${approvalWays.join(", ")}`);
}
