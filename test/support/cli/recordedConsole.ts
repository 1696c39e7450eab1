import type { Console } from "../../../src/cli/console";

/** Keeps what a command writes. */
export class RecordedConsole implements Console {
  stdout = "";
  readonly stderr: string[] = [];

  out(text: string): void {
    this.stdout += text;
  }

  err(line: string): void {
    this.stderr.push(line);
  }
}
