import * as vscode from "vscode";
import type { Disposable } from "../../common/disposables";
import type { ErrorInfo } from "../../common/errors";
import type { CommandId } from "../contributions";
import { agentArgument } from "./commandArguments";
import type { Failures } from "./failures";

/** What a failed command returns to a caller that passed arguments; the person has read it in a notification. */
export interface CommandFailure {
  readonly error: ErrorInfo;
}

/**
 * Takes the argument as it came and returns plain data; undefined when the person changed their mind. Menus of files pass all
 * that are selected as a second argument.
 */
export type CommandHandler = (argument: unknown, selected?: unknown) => Promise<unknown>;

export class CommandRegistry {
  constructor(private readonly failures: Failures) {}

  register(id: CommandId, handler: CommandHandler): Disposable {
    return vscode.commands.registerCommand(id, async (argument: unknown, selected: unknown) => {
      try {
        return await handler(argument, selected);
      } catch (error) {
        return { error: this.failures.show(error, { target: targetOf(argument) }) } satisfies CommandFailure;
      }
    });
  }
}

function targetOf(argument: unknown): { readonly agent?: string } {
  try {
    const agent = agentArgument(argument);
    return agent === undefined ? {} : { agent };
  } catch {
    return {}; // the argument itself was refused
  }
}
