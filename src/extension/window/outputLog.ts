import type * as vscode from "vscode";
import type { Log, LogLevel } from "../../common/log";

/** The project's log over one output channel, which adds time and level and keeps to the level that the user chose. */
export class OutputLog implements Log {
  constructor(private readonly channel: vscode.LogOutputChannel) {}

  log(level: LogLevel, message: string): void {
    this.channel[level](message);
  }
}
