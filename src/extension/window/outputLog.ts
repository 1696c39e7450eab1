import { stat } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { Log, LogLevel } from "../../common/log";
import { logScheme } from "../contributions";
import { LogLines } from "./logLines";

const channelName = "Resident";
const maxLines = 2000;
/** VS Code writes a channel's file a moment later. */
const fileWaitMs = 300;
const refreshMs = 500;

const document = vscode.Uri.from({ scheme: logScheme, path: "Resident Log" });

/**
 * The project's log over one output channel, which adds time and level and keeps to the level that the user chose. Some
 * hosts cannot write channels (VS Code's server without its native modules): the newest lines are kept in memory too, and
 * are shown as a read-only document there.
 */
export class OutputLog implements Log, Disposable {
  private readonly store = new DisposableStore();
  private readonly channel: vscode.LogOutputChannel;
  private readonly lines = new LogLines(maxLines);
  private readonly changes: vscode.EventEmitter<vscode.Uri>;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isDocumentUsed = false;

  /** `folder`: where VS Code keeps the channel's file. */
  constructor(private readonly folder: string) {
    this.channel = this.store.add(vscode.window.createOutputChannel(channelName, { log: true }));
    this.changes = this.store.add(new vscode.EventEmitter<vscode.Uri>());
    this.store.add(
      vscode.workspace.registerTextDocumentContentProvider(logScheme, {
        onDidChange: this.changes.event,
        provideTextDocumentContent: () => this.lines.text(),
      }),
    );
  }

  log(level: LogLevel, message: string): void {
    this.channel[level](message);
    this.lines.add(level, message);
    if (this.isDocumentUsed) this.refreshSoon();
  }

  /** Shows the channel, or the document where the channel stays empty; returns which. */
  async show(): Promise<{ readonly shown: "channel" | "document" }> {
    if (await this.isChannelWritten()) {
      this.channel.show();
      return { shown: "channel" };
    }
    this.isDocumentUsed = true;
    this.changes.fire(document);
    const shown = await vscode.workspace.openTextDocument(document);
    const editor = await vscode.window.showTextDocument(shown, { preview: true });
    editor.revealRange(shown.lineAt(shown.lineCount - 1).range);
    return { shown: "document" };
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.store.dispose();
  }

  private async isChannelWritten(): Promise<boolean> {
    // The channel's file exists after its first line.
    if (this.lines.text() === "") this.log("info", "nothing was logged yet");
    for (const waitMs of [0, fileWaitMs]) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const file = path.join(this.folder, `${channelName}.log`);
      const bytes = await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
      if (bytes > 0) return true;
    }
    return false;
  }

  private refreshSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.changes.fire(document);
    }, refreshMs);
  }
}
