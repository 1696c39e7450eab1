import * as vscode from "vscode";
import { toErrorInfo } from "../../common/errors";
import type { ChatCommand, MessageDraft } from "../../protocol/chat";
import type { FilesCommand } from "../../protocol/chatFiles";
import type { Problem } from "../../protocol/page";
import type { AgentId, ResidentService, ResultView, Running, TurnId, TurnView } from "../../protocol/service";
import { pageResultLength, shortResult } from "../../protocol/turnSteps";
import type { PanelActing } from "../acting/panelActing";
import { rewindTo } from "../acting/rewinding";
import { type ActionTarget, poolTarget } from "../commands/actionCommands";
import { runAction } from "../commands/failures";
import { commands } from "../contributions";
import type { EditorActions } from "../editor/editorActions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { regenerateAnswer, type Sending, type SentMessage, sendMessage } from "./sending";

type PoolNumbers = Pick<ActionTarget, "needed" | "total">;

export interface ChatRequestPorts {
  readonly service: Pick<ServiceHandle, "get">;
  readonly editors: Pick<EditorActions, "run">;
  readonly acting: PanelActing;
  /** More of a result that `turn` goes on with. */
  readonly onResult: (turn: TurnId, result: ResultView) => void;
  /** A message, or an answer to be made again, did not fit, and the conversation is as it was before. */
  readonly onRefused: (message: MessageDraft | undefined, problem: Problem) => void;
}

/** Does what a chat's page asks for. */
export class ChatRequests {
  /** Blocks that the last refused message and failed turns needed, for the button that grows the pool. */
  private refusedMessage: PoolNumbers = {};
  private readonly failedTurns = new Map<TurnId, PoolNumbers>();

  constructor(
    private readonly agent: AgentId,
    private readonly ports: ChatRequestPorts,
  ) {}

  /** Remembers the numbers of failed turns: their buttons need them. */
  shown(turns: readonly TurnView[]): void {
    for (const { id, error } of turns) if (error) this.failedTurns.set(id, poolTarget(error.facts));
  }

  /** Resolves when it is done or under way; rejects with why it cannot be. */
  async run(command: Exclude<ChatCommand, FilesCommand | { type: "readAhead" | "send" }>): Promise<void> {
    const { agent } = this;
    const { acting } = this.ports;
    const door = await this.ports.service.get();
    switch (command.type) {
      case "stop":
        return acting.stop();
      case "continue":
        return letRun(await door.continueAnswer(agent));
      case "pin":
        await door.pinAgent(agent, command.pinned);
        return;
      case "thinking":
        await vscode.commands.executeCommand(commands.agentThinking, { agent });
        return;
      case "regenerate":
        await acting.settle();
        return regenerateAnswer(command.turn, this.sendingTo(door));
      case "fork":
        await vscode.commands.executeCommand(commands.forkAgent, { agent, turn: command.turn });
        return;
      case "rewind":
        if (command.turn === undefined) await vscode.commands.executeCommand(commands.rewindAgent, { agent });
        else await rewindTo(door, agent, command.turn, acting.rewinding);
        return;
      case "showResult":
        return this.ports.onResult(command.turn, await this.result(door, command, pageResultLength));
      case "openResult": {
        const { text } = await this.result(door, command);
        return this.ports.editors.run({ type: "newFile", code: text });
      }
      case "switchBranch":
        await rewindTo(door, agent, command.turn, acting.rewinding);
        return;
      case "decide":
      case "openDiff":
      case "goOn":
      case "openAgent":
      case "ways":
      case "chooseWay":
      case "compact":
      case "tools":
      case "restoreFiles":
        return acting.handle(command);
      case "act": {
        const { action, turn } = command;
        const numbers = turn === undefined ? this.refusedMessage : this.failedTurns.get(turn);
        await runAction(action, { agent, ...(turn === undefined ? {} : { turn }), ...numbers });
        return;
      }
      case "copy":
      case "insertAtCursor":
      case "newFile":
      case "openLink":
        return this.ports.editors.run(command);
    }
  }

  async send(message: SentMessage): Promise<void> {
    await this.ports.acting.settle();
    try {
      await sendMessage(message, this.sendingTo(await this.ports.service.get()));
    } catch (error) {
      this.refusedMessage = poolTarget(toErrorInfo(error).facts);
      throw error;
    }
  }

  private async result(
    door: ResidentService,
    { turn, call }: { readonly turn: TurnId; readonly call: string },
    most = Number.POSITIVE_INFINITY,
  ): Promise<ResultView> {
    return shortResult(await door.callResult(this.agent, turn, call), most);
  }

  private sendingTo(door: ResidentService): Sending {
    return { door, agent: this.agent, language: vscode.env.language, onRefused: this.ports.onRefused };
  }
}

/** The panel follows the answer, and its turn carries its failure: nobody waits for it here. */
function letRun(running: Running): void {
  running.done.catch(() => {});
}
