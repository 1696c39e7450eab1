import { type ChildProcess, spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { CommandEnd } from "../../acting/ports";
import { ResidentError } from "../../common/errors";

/** A command that is asked to end gets this long before it is ended by force. */
const graceMs = 1500;
/** What it started in the background may hold its output open after it has ended: no longer than this. */
const drainMs = 300;

export interface ProcessRequest {
  readonly command: string;
  /** The person's shell. */
  readonly shell: string;
  /** Folder on this machine. */
  readonly cwd: string;
}

/** No pager waits for a key, and nothing asks on a terminal that nobody sees. */
export const quietEnvironment = { PAGER: "cat", GIT_PAGER: "cat", GIT_TERMINAL_PROMPT: "0" } as const;

/**
 * Runs a command in a process group of its own, so that whatever it has started ends with it. Resolves when it has ended, or
 * was ended because of `signal`; rejects only where it cannot be started.
 */
export async function runProcess(
  { command, shell, cwd }: ProcessRequest,
  onData: (data: string) => void,
  signal: AbortSignal,
): Promise<CommandEnd> {
  if (signal.aborted) return {};
  const child = spawn(command, {
    cwd,
    shell,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...quietEnvironment },
  });
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder("utf8"); // never half a character
    stream.on("data", (bytes: Buffer) => onData(decoder.write(bytes)));
    stream.on("end", () => onData(decoder.end()));
  }
  let force: NodeJS.Timeout | undefined;
  const end = () => {
    killGroup(child, "SIGTERM");
    force = setTimeout(() => killGroup(child, "SIGKILL"), graceMs);
  };
  signal.addEventListener("abort", end);
  try {
    const ended = await endOf(child);
    return signal.aborted ? {} : ended;
  } finally {
    clearTimeout(force);
    signal.removeEventListener("abort", end);
    killGroup(child, "SIGKILL"); // what it left behind
  }
}

function endOf(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      const what = `the command cannot be started: ${error.message}`;
      reject(new ResidentError("IO_FAILURE", what, "look at the command, its folder and the shell"));
    });
    child.once("exit", (code) => {
      const end = code === null ? {} : { exitCode: code };
      const drained = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(end);
      }, drainMs);
      child.once("close", () => {
        clearTimeout(drained);
        resolve(end);
      });
    });
  });
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}
