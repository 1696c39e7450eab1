import { spawn } from "node:child_process";
import path from "node:path";

/** The result of a run of the built program. */
export interface CliRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Exit codes of failures that the program reports with advice. */
export const toldCodes: readonly (number | null)[] = [0, 1, 2];

const program = path.resolve("dist", "cli.js");

/** Runs `resident` with a home; `killAfter`: milliseconds until its SIGKILL. */
export function runResident(home: string, words: readonly string[], killAfter?: number): Promise<CliRun> {
  const child = spawn(process.execPath, [program, ...words, "--home", home, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (data: string) => {
    stdout += data;
  });
  child.stderr.setEncoding("utf8").on("data", (data: string) => {
    stderr += data;
  });
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfter);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

export function ask(home: string, prompt: string, killAfter?: number): Promise<CliRun> {
  const limits = ["--max-tokens", "24", "--pool-mb", "64", "--threads", "1"];
  return runResident(home, ["generate", "--agent", "Ada", "--prompt", prompt, ...limits], killAfter);
}
