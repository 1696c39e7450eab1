import type { Terminal } from "vscode";
import type { CommandEnd } from "../../acting/ports";
import type { Disposable } from "../../common/disposables";
import type { ShellApi, ShellExecution, ShellIntegration } from "./shellApi";

/** A shell that has not told of itself within this time has no integration. */
const integrationMs = 5000;
/** An interrupted command gets this long before its terminal is closed. */
const graceMs = 1500;
/** The end of a command and the end of its output are told apart: the later one is waited for no longer than this. */
const lateMs = 1000;

/** Resolves with the integration of the terminal's shell; `undefined`: it has none. */
export function integrationOf(
  terminal: Terminal,
  api: ShellApi,
  signal: AbortSignal,
  waitMs: number = integrationMs,
): Promise<ShellIntegration | undefined> {
  const there = api.integrationOf(terminal);
  if (there !== undefined || signal.aborted) return Promise.resolve(there);
  return new Promise((resolve) => {
    const end = (integration?: ShellIntegration) => {
      clearTimeout(limit);
      listening.dispose();
      signal.removeEventListener("abort", stop);
      resolve(integration);
    };
    const stop = () => end();
    const limit = setTimeout(stop, waitMs);
    signal.addEventListener("abort", stop);
    const listening = api.onDidChangeIntegration((changed, integration) => {
      if (changed === terminal) end(integration);
    });
  });
}

export interface ShellRun {
  readonly terminal: Pick<Terminal, "sendText" | "dispose">;
  readonly integration: ShellIntegration;
  readonly command: string;
  /** Calls the listener when this terminal was closed, no matter by whom. */
  readonly onClosed: (listener: () => void) => Disposable;
}

/**
 * Runs a command in a terminal. When `signal` is aborted it is interrupted, and then its terminal is closed: that ends what
 * it has started.
 */
export async function runInShell(
  { terminal, integration, command, onClosed }: ShellRun,
  api: ShellApi,
  onData: (data: string) => void,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const ended = new Later<CommandEnd>();
  const early: { readonly execution: ShellExecution; readonly exitCode: number | undefined }[] = [];
  let execution: ShellExecution | undefined;
  const listening = [
    // The end may be told before `executeCommand` has given the execution.
    api.onDidEnd((end) => {
      if (execution === undefined) early.push(end);
      else if (end.execution === execution) ended.resolve(endOf(end.exitCode));
    }),
    onClosed(() => ended.resolve({})),
  ];
  const stop = () => terminal.sendText("\u0003", false);
  try {
    execution = integration.executeCommand(command);
    const own = execution;
    const known = early.find((end) => end.execution === own);
    if (known !== undefined) ended.resolve(endOf(known.exitCode));
    const read = readAll(own, onData);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    // Where the end is not told, the output's end is the command's.
    const end = await Promise.race([ended.promise, read.then(() => within(ended.promise, lateMs)), aborted(signal)]);
    if (signal.aborted) {
      await within(ended.promise, graceMs);
      terminal.dispose();
      return {};
    }
    await within(read, lateMs);
    return end ?? {};
  } finally {
    signal.removeEventListener("abort", stop);
    for (const item of listening) item.dispose();
  }
}

/** A failure of the stream ends the output, not the command. */
async function readAll(execution: ShellExecution, onData: (data: string) => void): Promise<void> {
  try {
    for await (const data of execution.read()) onData(data);
  } catch {
    // What came of it is what there is.
  }
}

function endOf(exitCode: number | undefined): CommandEnd {
  return exitCode === undefined ? {} : { exitCode };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** The promise's value; `undefined` when it has none in time. */
function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve(undefined), ms);
    promise.then((value) => {
      clearTimeout(limit);
      resolve(value);
    });
  });
}

/** A promise that is resolved from outside, once. */
class Later<T> {
  resolve: (value: T) => void = () => {};
  readonly promise = new Promise<T>((resolve) => {
    this.resolve = resolve;
  });
}
