import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../common/errors";
import type { Log } from "../common/log";
import { type CollectOptions, type CollectReport, collectGarbage } from "../store/collect";
import { ifThere, makeFolder } from "../store/files";
import type { FileLocks } from "../store/ports";
import type { ReferenceReader } from "../store/references";

/** Interval of automatic collections, over all processes together. */
const collectEveryMs = 60 * 60_000;

const lockName = "collector.lock";
/** A file whose modification time is the end of the last collection. */
const stampName = "collected";

export interface StoreCollectorPorts {
  readonly root: string;
  readonly references: ReferenceReader;
  readonly locks: () => FileLocks;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** Removes unreferenced objects, one process at a time. */
export class StoreCollector {
  constructor(private readonly ports: StoreCollectorPorts) {}

  /** Throws AGENT_LOCKED while another process collects. */
  async collect(options: Pick<CollectOptions, "signal" | "onProgress"> = {}): Promise<CollectReport> {
    const report = await this.alone((root) => this.collectIn(root, options));
    if (report !== undefined) return report;
    const what = "another window or program is collecting in this store";
    throw new ResidentError("AGENT_LOCKED", what, "wait until it is done", { path: this.ports.root });
  }

  /** The same unless a process did so within the last hour or does so now. */
  async collectIfDue(): Promise<void> {
    const { root, nowMs, log } = this.ports;
    const isDue = async () => {
      const stampMs = await ifThere(path.join(root, stampName), async (file) => (await stat(file)).mtimeMs);
      return stampMs === undefined || Math.abs(nowMs() - stampMs) >= collectEveryMs;
    };
    if (!(await isDue())) return;
    const report = await this.alone(async () => ((await isDue()) ? this.collectIn(root, {}) : undefined));
    if (report === undefined) return;
    for (const { agent, reason } of report.unknown) {
      log.log("warn", `the store is not collected while agent ${agent} cannot be read: ${reason}`);
    }
  }

  /** Runs `work` under the collection lock; `undefined`: another process holds it. */
  async alone<T>(work: (root: string) => Promise<T>): Promise<T | undefined> {
    const { root, locks } = this.ports;
    await makeFolder(root);
    const lock = locks().tryLock(path.join(root, lockName));
    if (lock === undefined) return undefined;
    try {
      return await work(root);
    } finally {
      lock.release();
    }
  }

  private async collectIn(root: string, options: Pick<CollectOptions, "signal" | "onProgress">) {
    const { references, nowMs, log } = this.ports;
    const report = await collectGarbage(root, references, { ...options, nowMs: nowMs() });
    await writeFile(path.join(root, stampName), "", { mode: 0o600 });
    const { objects, bytes } = report.removed;
    const { temporaryFiles } = report;
    if (objects + temporaryFiles > 0) {
      log.log("info", `collected ${objects} blocks (${bytes} bytes) and ${temporaryFiles} temporary files`);
    }
    return report;
  }
}
