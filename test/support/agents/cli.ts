import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import path from "node:path";

/** The output of `resident generate --json`. */
export interface CliAnswer {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly finishReason: string;
  readonly promptTokens: number;
  readonly reusedTokens: number;
  readonly prefilledTokens: number;
  readonly generatedTokens: number;
  readonly ttftMs: number;
  readonly decodeTokensPerSecond: number;
  readonly restoreMs: number;
  readonly cache: {
    readonly tier: string;
    readonly refused?: { readonly code: string; readonly reason: string; readonly atToken: number };
  };
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const cli = path.resolve("dist", "cli.js");

export interface CliOptions {
  /** Limit of file sizes in KB: acts like a full disk. */
  readonly fileLimitKb?: number;
  /** Another copy of the program, and additions to its environment. */
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The built program in a process of its own. */
export interface RunningCli {
  /** Resolves when the process has ended in any way. */
  readonly result: Promise<CliResult>;
  readonly hasEnded: () => boolean;
  /** Resolves when it has written something to stdout. */
  readonly firstText: Promise<void>;
  /** Default SIGKILL: the process has no time to do anything. */
  kill(signal?: NodeJS.Signals): void;
}

export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const child = spawnCli(args, options);
  let stdout = "";
  let stderr = "";
  let ended = false;
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      ended = true;
      resolve({ code, stdout, stderr });
    });
  });
  const firstText = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  return { result, firstText, hasEnded: () => ended, kill: (signal = "SIGKILL") => void child.kill(signal) };
}

function spawnCli(args: readonly string[], options: CliOptions): ChildProcessWithoutNullStreams {
  const { fileLimitKb, program = cli } = options;
  const env = { ...process.env, ...options.env };
  if (fileLimitKb === undefined) return spawn(process.execPath, [program, ...args], { env });
  // POSIX counts this limit in blocks of 512 bytes.
  const command = `ulimit -f ${fileLimitKb * 2} && exec "$0" "$@"`;
  return spawn("/bin/sh", ["-c", command, process.execPath, program, ...args], { env });
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}

/** An agent's answer to one message, from a process of its own. */
export async function ask(
  home: string,
  prompt: string,
  maxTokens: number,
  more: readonly string[] = [],
): Promise<CliAnswer> {
  const { code, stdout, stderr } = await runCli([...askArgs(home, prompt, maxTokens), ...more]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

export function askArgs(home: string, prompt: string, maxTokens: number): readonly string[] {
  const limits = ["--max-tokens", String(maxTokens), "--pool-mb", "64"];
  return ["generate", "--agent", "ada", "--prompt", prompt, "--home", home, "--json", ...limits];
}

/** The agent as `resident agents show` prints it. */
export async function show(home: string): Promise<{
  readonly id: string;
  readonly turns: readonly { readonly state: string; readonly user: string; readonly answer: string }[];
}> {
  const { code, stdout, stderr } = await runCli(["agents", "show", "ada", "--home", home, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}
