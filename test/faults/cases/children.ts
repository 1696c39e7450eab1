import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { ChildTask } from "../child";
import type { Entry } from "../home/journal";
import { type Finding, wrong } from "../verdict";

export interface TimedEntry {
  readonly at: bigint;
  readonly entry: Entry;
}

export interface EndedChild {
  readonly journal: readonly TimedEntry[];
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

/** Only complete lines: a line that a kill cut does not count. */
function entriesOf(lines: string): readonly TimedEntry[] {
  const whole = lines.slice(0, lines.lastIndexOf("\n") + 1).split("\n");
  return whole
    .filter((line) => line !== "")
    .map((line) => ({ at: BigInt(line.slice(0, line.indexOf(" "))), entry: JSON.parse(line.slice(line.indexOf(" "))) }))
    .filter(({ entry }) => entry.type !== "ready");
}

/** The end of a child that was not killed, and errors that must not occur. */
export function failuresOf({ code, signal, stderr, journal }: EndedChild): readonly Finding[] {
  const findings: Finding[] = [];
  if (signal !== "SIGKILL" && code !== 0)
    findings.push(wrong(`the program ended with ${signal ?? code}: ${stderr.slice(-300)}`));
  for (const { entry } of journal) {
    if (entry.type === "end" && (entry.code === "untyped" || entry.code === "INTERNAL"))
      findings.push(wrong(`a step ended with an error of no type: ${entry.what}`));
  }
  return findings;
}
