import type { ErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { Progress } from "../protocol/service";

/** Where a command writes: results to stdout, everything else to stderr. */
export interface Console {
  out(text: string): void;
  err(line: string): void;
}

export const processConsole: Console = {
  out: (text) => void process.stdout.write(text),
  err: (line) => void process.stderr.write(`${line}\n`),
};

export function printJson(console: Console, value: unknown): void {
  console.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** One line, as scripts read it: `CODE: what happened: what to do`. */
export function errorLine(error: ErrorInfo): string {
  const flat = (text: string) => text.replace(/\s+/g, " ").trim();
  return `${error.code}: ${flat(error.what)}: ${flat(error.advice)}`;
}

/** Warnings and errors always; other messages with --verbose. */
export function consoleLog(console: Console, verbose: boolean): Log {
  return {
    log: (level, message) => {
      if (verbose || level === "warn" || level === "error") console.err(`[${level}] ${message}`);
    },
  };
}

/** Progress on stderr: on a terminal one line that is rewritten, otherwise one line for each tenth. */
export function progressPrinter(console: Console): (progress: Progress) => void {
  const live = process.stderr.isTTY === true;
  let lastTenth = -1;
  let lastMessage = "";
  return (progress) => {
    const share = progress.total > 0 ? progress.done / progress.total : 0;
    const tenth = Math.floor(share * 10);
    if (!live && tenth === lastTenth && progress.message === lastMessage) return;
    lastTenth = tenth;
    lastMessage = progress.message;
    const line = `${progress.message} ${Math.floor(share * 100)}%`;
    if (live) process.stderr.write(`\r\u001b[K${line}${share >= 1 ? "\n" : ""}`);
    else console.err(line);
  };
}

/** Columns padded to their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}
