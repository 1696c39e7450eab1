/** The core in a worker thread, run by `startCoreThread`. This thread loads the addon. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { toErrorInfo } from "../../common/errors";
import type { ServiceOptions } from "../../protocol/service";
import { createResidentService } from "../residentService";
import { messagePort } from "./messagePort";
import { ServiceServer } from "./server";

function serve(port: MessagePort, options: ServiceOptions): void {
  new ServiceServer(messagePort(port), (log) => {
    // An unhandled rejection must not end all answers.
    process.on("unhandledRejection", (error) => log.log("error", `unhandled failure: ${toErrorInfo(error).what}`));
    return createResidentService(options, log);
  });
}

if (parentPort !== null) serve(parentPort, workerData);
