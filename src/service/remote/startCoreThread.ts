import { Worker } from "node:worker_threads";
import type { Log } from "../../common/log";
import type { ResidentService, ServiceOptions } from "../../protocol/service";
import { createRemoteService } from "./client";
import { workerPort } from "./workerPort";

/** Starts the core in a worker thread of this process. `file` is the bundle of coreThread.ts. */
export function startCoreThread(file: string, options: ServiceOptions, log: Log): ResidentService {
  const worker = new Worker(file, { workerData: options, name: "resident core" });
  return createRemoteService(workerPort(worker), log);
}
