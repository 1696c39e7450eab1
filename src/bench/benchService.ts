import type { ResidentService } from "../protocol/service";

/** What suites use of the door. The agents that they make are theirs alone. */
export type BenchService = Pick<
  ResidentService,
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
