/** The core in a worker thread: what `startCoreThread` runs. The addon is loaded by this thread. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { toErrorInfo } from "../../common/errors";
import type { ServiceOptions } from "../../protocol/service";
import { createResidentService } from "../residentService";
import { messagePort } from "./messagePort";
import { ServiceServer } from "./server";

function serve(port: MessagePort, options: ServiceOptions): void {
  new ServiceServer(messagePort(port), (log) => {
    // A promise that nobody waited for is no reason to end everybody's answers.
    process.on("unhandledRejection", (error) =>
      log.log("error", `nobody handled a failure: ${toErrorInfo(error).what}`),
    );
    return createResidentService(options, log);
  });
}

if (parentPort !== null) serve(parentPort, workerData);
