import { spawn } from "node:child_process";
import { AbortedError } from "../common/errors";

export interface ScriptHooks {
  /** Called with the newest line that the script writes to stderr. */
  onLine(line: string): void;
  readonly signal: AbortSignal;
}

/**
 * Runs one of our scripts with this Node and `request` as JSON on its input, and resolves with its output. Rejects with
 * ABORTED when the signal aborts, after all processes of the script have ended; else with a plain Error whose message is
 * the last line that the script wrote.
 */
export async function runScript(
  args: readonly string[],
  request: unknown,
  { onLine, signal }: ScriptHooks,
): Promise<string> {
  if (signal.aborted) throw new AbortedError();
  const child = spawn(process.execPath, args, {
    // Inside VS Code the program is Electron, which acts as Node with this variable.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    // A process group of its own, so that compilers which an installation started end with it.
    detached: true,
  });
  let output = "";
  let lastLine = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastLine = text.trim().split("\n").at(-1) || lastLine;
    onLine(lastLine);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const abort = () => killGroup(child.pid);
  signal.addEventListener("abort", abort, { once: true });
  // If the child could not start or has ended, its exit event says so.
  child.stdin.on("error", () => undefined).end(JSON.stringify(request));
  try {
    const code = await ended;
    if (signal.aborted) throw new AbortedError();
    if (code !== 0) throw new Error(lastLine || `exit code ${code}`);
    return output;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid);
  } catch {
    // The process has just ended.
  }
}
