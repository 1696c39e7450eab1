import type { ActionId } from "../../protocol/page";
import { type CommandId, commands } from "../contributions";

/** What a button stands next to. */
export interface ActionTarget {
  readonly agent?: string;
  readonly turn?: string;
  /** Blocks that the refused request needed, and that the pool has. */
  readonly needed?: number;
  readonly total?: number;
}

export interface ActionCommand {
  readonly command: CommandId;
  readonly argument: Readonly<Record<string, string | number>>;
}

/** Every button is a command of the palette, with its target as argument. */
export function actionCommand(id: ActionId, target: ActionTarget): ActionCommand {
  const agent = target.agent === undefined ? {} : { agent: target.agent };
  const turn = target.turn === undefined ? {} : { turn: target.turn };
  switch (id) {
    case "cancelLoad":
      return { command: commands.cancelLoad, argument: {} };
    case "chooseModel":
      return { command: commands.chooseModel, argument: {} };
    case "connectServer":
      return { command: commands.connectServer, argument: {} };
    case "diagnose":
      return { command: commands.diagnose, argument: {} };
    case "editInstructions":
      return { command: commands.editInstructions, argument: agent };
    case "fork":
      return { command: commands.forkAgent, argument: { ...agent, ...turn } };
    case "forkAnother":
      return { command: commands.forkAgent, argument: { from: "pick" } };
    case "getModel":
      return { command: commands.getModel, argument: {} };
    case "getStarter":
      return { command: commands.getStarterModel, argument: {} };
    case "growPool":
      return {
        command: commands.growPool,
        argument: {
          ...(target.needed === undefined ? {} : { needed: target.needed }),
          ...(target.total === undefined ? {} : { total: target.total }),
        },
      };
    case "importModel":
      return { command: commands.importModel, argument: {} };
    case "keepLastTurns":
      return { command: commands.keepLastTurns, argument: agent };
    case "loadModel":
      return { command: commands.loadModel, argument: {} };
    case "newAgent":
      return { command: commands.newAgent, argument: {} };
    case "newAgentAlike":
      return { command: commands.newAgent, argument: target.agent === undefined ? {} : { like: target.agent } };
    case "openSettings":
      return { command: commands.openSettings, argument: {} };
    case "regenerate":
    case "sendAgain":
      return { command: commands.regenerate, argument: { ...agent, ...turn } };
    case "repair":
      return { command: commands.repairAgent, argument: agent };
    case "restartEngine":
      return { command: commands.restartEngine, argument: {} };
    case "retrySave":
      return { command: commands.saveAgent, argument: agent };
    case "rewind":
      return { command: commands.rewindAgent, argument: agent };
    case "setHubToken":
      return { command: commands.setHubToken, argument: {} };
    case "showLog":
      return { command: commands.showLog, argument: {} };
    case "startFromSelection":
      return { command: commands.askAboutSelection, argument: agent };
    case "tryAgain":
      return { command: commands.openAgent, argument: agent };
    case "unloadModel":
      return { command: commands.unloadModel, argument: {} };
    case "verifyStore":
      return { command: commands.verifyStore, argument: {} };
  }
}

/** The agent that a failure is about, where the failure says it. */
export function agentTarget({
  agent,
}: Readonly<Record<string, string | number | boolean>>): Pick<ActionTarget, "agent"> {
  return typeof agent === "string" ? { agent } : {};
}

/** The numbers of a refused request, for the button that grows the pool. */
export function poolTarget(
  facts: Readonly<Record<string, string | number | boolean>>,
): Pick<ActionTarget, "needed" | "total"> {
  const { needed, total } = facts;
  return {
    ...(typeof needed === "number" ? { needed } : {}),
    ...(typeof total === "number" ? { total } : {}),
  };
}
