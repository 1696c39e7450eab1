import type { ResidentService } from "../protocol/service";

/** The part of the service that suites use. No other part of the program sees the agents that they make. */
export type BenchService = Pick<
  ResidentService,
  | "chat"
  | "createAgent"
  | "deleteAgent"
  | "forkAgent"
  | "generate"
  | "getAgent"
  | "loadModel"
  | "regenerate"
  | "rewindAgent"
  | "saveAgent"
  | "send"
  | "status"
  | "unloadModel"
  | "warmAgent"
>;
