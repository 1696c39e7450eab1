import path from "node:path";
import type { Log } from "../common/log";
import type { ResidentService, ServiceOptions } from "../protocol/service";
import { createLocalService } from "./localService";
import { nativeRuntime } from "./nativeRuntime";

/** Creates the core of one program. Cheap: nothing is read or loaded before it is needed. */
export function createResidentService(options: ServiceOptions, log: Log): ResidentService {
  return createLocalService(
    { ...options, home: path.resolve(options.home), starterModel: path.resolve(options.starterModel) },
    nativeRuntime(options.nativeStage),
    log,
  );
}
