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

/** The instructions of a child process. */
export interface ChildTask {
  readonly home: string;
  readonly model: string;
  readonly steps: readonly Step[];
  /** The point at which it kills itself. */
  readonly point?: NamedPoint;
  /** The addon whose locks hold between processes; absent: no other process is running. */
  readonly stage?: string;
  /** Replaces the hour after which unreferenced objects are collected. */
  readonly hourMs?: number;
}

/** Locks that hold between processes and end with them. */
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

/** The pipe on which a child reports its steps. */
const journalPipe = 3;

/** Writes synchronously, so that a report made before a kill is not lost. */
function tellParent(entry: Entry | { readonly type: "ready" }): void {
  // A time that all processes share.
  writeSync(journalPipe, `${process.hrtime.bigint()} ${JSON.stringify(entry)}\n`);
}

/** Does its steps one after the other, then ends unless it is killed. */
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
