import { writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { FakeLocks } from "../support/store/fakes";
import type { NamedPoint } from "./cases/cuts";
import { callOfId } from "./cases/recorded";
import { WatchedFolder, watch } from "./home/fileCalls";
import type { Entry, Step } from "./home/journal";
import { Program } from "./home/program";

/** What a child process is told to do. */
export interface ChildTask {
  readonly home: string;
  readonly model: string;
  readonly steps: readonly Step[];
  /** Where it kills itself. */
  readonly point?: NamedPoint;
}

/** The pipe on which a child says what was done. */
const journalPipe = 3;

/** Written before anything else happens: what was reported before a kill was reported. */
export function tellParent(entry: Entry | { readonly type: "ready" }): void {
  writeSync(journalPipe, `${JSON.stringify(entry)}\n`);
}

/** Takes its steps one after the other, and ends if it is let. */
export async function runChild({ home, model, steps, point }: ChildTask): Promise<void> {
  if (point !== undefined) {
    const plan = { call: callOfId(point.call), fault: { type: "end", when: point.moment } } as const;
    watch(new WatchedFolder(home, plan, () => process.kill(process.pid, "SIGKILL")));
  }
  const program = new Program({ home, model, locks: new FakeLocks(), journal: tellParent });
  tellParent({ type: "ready" });
  for (const step of steps) {
    await program.take(step).catch(() => {});
    await wait(0);
  }
  await program.close();
}
