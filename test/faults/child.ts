import { writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { loadAddon } from "../../src/native/loader";
import type { FileLocks } from "../../src/store/ports";
import { FakeLocks } from "../support/store/fakes";
import type { NamedPoint } from "./cases/cuts";
import { callOfId } from "./cases/recorded";
import { WatchedFolder, watch } from "./home/fileCalls";
import type { Entry, Step } from "./home/journal";
import { ageOlder } from "./home/leftovers";
import { Program } from "./home/program";

/** What a child process is told to do. */
export interface ChildTask {
  readonly home: string;
  readonly model: string;
  readonly steps: readonly Step[];
  /** Where it kills itself. */
  readonly point?: NamedPoint;
  /** The addon whose locks hold between processes; absent: nobody else is there. */
  readonly stage?: string;
  /** As if an hour were so many milliseconds: what is older is old enough to be collected. */
  readonly hourMs?: number;
}

/** Locks that hold between processes and die with them. */
class SystemLocks extends FakeLocks {
  private readonly addon;

  constructor(stage: string) {
    super();
    this.addon = loadAddon(stage);
  }

  override process(): FileLocks {
    return this.addon;
  }
}

/** The pipe on which a child says what was done. */
const journalPipe = 3;

/** Written before anything else happens: what was reported before a kill was reported. */
function tellParent(entry: Entry | { readonly type: "ready" }): void {
  // A time that all processes share.
  writeSync(journalPipe, `${process.hrtime.bigint()} ${JSON.stringify(entry)}\n`);
}

/** Takes its steps one after the other, and ends if it is let. */
export async function runChild({ home, model, steps, point, stage, hourMs }: ChildTask): Promise<void> {
  if (point !== undefined) {
    const plan = { call: callOfId(point.call), fault: { type: "end", when: point.moment } } as const;
    watch(new WatchedFolder(home, plan, () => process.kill(process.pid, "SIGKILL")));
  }
  const locks = stage === undefined ? new FakeLocks() : new SystemLocks(stage);
  const program = new Program({ home, model, locks, journal: tellParent });
  tellParent({ type: "ready" });
  for (const step of steps) {
    if (step.do === "collect" && hourMs !== undefined) await ageOlder(path.join(home, "store"), hourMs);
    await program.take(step).catch(() => {});
    await wait(0);
  }
  await program.close();
}
