import * as vscode from "vscode";
import { InvalidRequestError, ResidentError } from "../../common/errors";
import { createFormats, type Formats, plural } from "../../common/format";
import { modelParts } from "../../common/modelLabel";
import { shownName } from "../../common/shownName";
import { branchRows } from "../../protocol/branches";
import type { AgentDetail, AgentSummary, ResidentService, TurnId, TurnView } from "../../protocol/service";
import { turnsOf } from "../../protocol/turnSteps";
import { agentArgument, textField } from "../commands/commandArguments";
import { agentDescription } from "./agentItem";
import { oneLine } from "./oneLine";
import { ownAgents } from "./ownAgents";

/** Agents that a command may apply to when its argument names none. */
export interface AgentsAtHand {
  /** The focused row of the Agents view. Called once a key press. */
  readonly focused: () => string | undefined;
  /** Its chat panel has the focus. */
  readonly active: () => string | undefined;
}

/** The agent that a command applies to: the one in its argument, else the one whose panel or row is active, else the person is asked. */
export class AgentPicker {
  constructor(private readonly atHand: AgentsAtHand) {}

  async resolve(door: ResidentService, argument: unknown, title: string): Promise<AgentSummary | undefined> {
    const from = typeof argument === "string" ? undefined : textField(argument, "from");
    const named = agentArgument(argument) ?? this.atHandOf(from);
    if (named === undefined) return this.pick(door, title);
    const agent = await door.findAgent(named);
    if (agent) return agent;
    const what = `there is no agent "${named}"`;
    throw new ResidentError("AGENT_NOT_FOUND", what, "choose one of the agents that are there", { agent: named });
  }

  private atHandOf(from: string | undefined): string | undefined {
    if (from === undefined) return this.atHand.active();
    return from === "tree" ? this.atHand.focused() : undefined;
  }

  private async pick(door: ResidentService, title: string): Promise<AgentSummary | undefined> {
    const agents = ownAgents(await door.listAgents());
    if (agents.length === 0) throw new ResidentError("AGENT_NOT_FOUND", "there are no agents yet", "make one first");
    const chosen = await vscode.window.showQuickPick(agentChoices(agents), {
      title,
      placeHolder: "Agent",
      matchOnDescription: true,
      matchOnDetail: true,
    });
    return chosen?.agent;
  }
}

export interface AgentChoice extends vscode.QuickPickItem {
  readonly agent: AgentSummary;
}

/** Last used first. */
export function agentChoices(agents: readonly AgentSummary[]): AgentChoice[] {
  const formats = createFormats(vscode.env.language);
  return [...agents]
    .sort((a, b) => b.lastUsedAt - a.lastUsedAt)
    .map((agent) => ({
      agent,
      label: shownName(agent.name),
      description: agentDescription(agent, formats),
      detail: agentDetail(agent, formats),
    }));
}

/** What the description does not say. */
function agentDetail(agent: AgentSummary, formats: Formats): string {
  const turns = agent.server === undefined ? [plural(agent.turnCount, "turn", formats)] : [];
  const used = `used ${formats.ago(Date.now() - agent.lastUsedAt)}`;
  return [modelParts(agent).name, ...turns, used].join(", ");
}

/** A turn, or the place before the first one. */
export type TurnChoice = { readonly turn: TurnId | undefined };

/** Previews of the turns, newest first, then of the branches that were left. */
export async function pickTurn(
  detail: AgentDetail,
  title: string,
  options: { readonly withStart: boolean },
): Promise<TurnChoice | undefined> {
  const items = turnItems(detail, options.withStart);
  if (items.length === 0) throw new InvalidRequestError(`"${detail.name}" has no turns yet`, "send a message first");
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: "Turn", matchOnDetail: true });
  return chosen && "turn" in chosen ? { turn: chosen.turn } : undefined;
}

interface TurnItem extends vscode.QuickPickItem {
  readonly turn?: TurnId | undefined;
}

/** What its answer said, or which tools it called. */
function saidIn({ answer, calls }: TurnView): string {
  return answer === "" && calls !== undefined ? `calls ${calls.map(({ name }) => name).join(", ")}` : answer;
}

/** The turns of the branch at the head with their steps, newest first, then the ends of the other branches: as the chat's page tells them. */
function turnItems(detail: AgentDetail, withStart: boolean): TurnItem[] {
  const formats = createFormats(vscode.env.language);
  const now = Date.now();
  const { turns } = detail;
  const own = turnsOf(turns).flatMap((steps, number) =>
    steps.map((turn, step): TurnItem => {
      const { figures, createdAt } = turn;
      const tokens = figures === undefined ? 0 : figures.promptTokens + figures.generatedTokens;
      const facts = [
        ...(turn === turns.at(-1) ? ["the head"] : []),
        ...(tokens > 0 ? [plural(tokens, "token", formats)] : []),
        formats.ago(now - createdAt),
      ];
      // To go back to a turn is to go back to its last step.
      const isLast = step === steps.length - 1;
      const place = isLast ? oneLine(steps[0].user) : `step ${step + 1} of ${steps.length}`;
      return {
        turn: turn.id,
        label: `${number + 1}. ${place}`,
        description: facts.join(" · "),
        detail: oneLine(saidIn(turn)),
      };
    }),
  );
  const start: TurnItem[] =
    withStart && turns.length > 0
      ? [{ turn: undefined, label: "Before the first turn", description: "an empty conversation" }]
      : [];
  const others = branchRows(detail.branches, formats, now)
    .filter(({ isHead }) => !isHead)
    .map(
      ({ turn, title, message, facts, exactTime }): TurnItem => ({
        turn,
        label: title === "" ? "No answer" : oneLine(title),
        description: facts,
        detail: oneLine(message === undefined ? exactTime : `${exactTime} · ${message}`),
      }),
    );
  const separator: TurnItem = { label: "Other branches", kind: vscode.QuickPickItemKind.Separator };
  return [...own.reverse(), ...start, ...(others.length > 0 ? [separator, ...others] : [])];
}
