import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { ChildTask } from "../child";
import type { Entry } from "../home/journal";

export interface EndedChild {
  readonly journal: readonly Entry[];
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs a child in a process of its own; `afterReady`: milliseconds from its beginning to its SIGKILL. */
export function runInChild(task: ChildTask, afterReady?: number): Promise<EndedChild> {
  const [, program = ""] = process.argv;
  const args = ["--max-old-space-size=512", program, "--child", JSON.stringify(task)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  let lines = "";
  let stderr = "";
  let timer: NodeJS.Timeout | undefined;
  const pipe = child.stdio[3] as Readable;
  pipe.setEncoding("utf8").on("data", (data: string) => {
    if (lines === "" && afterReady !== undefined) timer = setTimeout(() => child.kill("SIGKILL"), afterReady);
    lines += data;
  });
  child.stderr?.setEncoding("utf8").on("data", (data: string) => {
    stderr += data;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ journal: entriesOf(lines), code, signal, stderr });
    });
  });
}

/** Whole lines only: a process that is killed in the middle of one has reported nothing. */
function entriesOf(lines: string): readonly Entry[] {
  const whole = lines.slice(0, lines.lastIndexOf("\n") + 1).split("\n");
  return whole
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.type !== "ready");
}
