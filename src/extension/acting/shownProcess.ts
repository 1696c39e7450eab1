import * as vscode from "vscode";

/** Most that is kept for a terminal that nobody has opened yet. */
const mostKept = 100_000;

/** A terminal that shows a process of our own. Ctrl+C in it, and closing it, end the process. */
export class ShownProcess implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  private readonly abort = new AbortController();
  /** Until the terminal is opened. */
  private kept: string | undefined;

  readonly onDidWrite = this.written.event;

  constructor(command: string) {
    this.kept = `$ ${asLines(command)}\r\n`;
  }

  /** Aborted when the person ends it. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  open(): void {
    if (this.kept !== undefined) this.written.fire(this.kept);
    this.kept = undefined;
  }

  close(): void {
    this.abort.abort();
  }

  handleInput(data: string): void {
    if (data.includes("\u0003")) this.abort.abort();
  }

  write(data: string): void {
    const text = asLines(data);
    if (this.kept === undefined) this.written.fire(text);
    else this.kept = (this.kept + text).slice(-mostKept);
  }

  end(exitCode: number | undefined): void {
    this.write(`\n[${exitCode === undefined ? "It was ended." : `It ended with exit code ${exitCode}.`}]\n`);
  }
}

/** A terminal does not go to the line's beginning by itself. */
function asLines(text: string): string {
  return text.replaceAll(/\r?\n/g, "\r\n");
}
