import path from "node:path";
import { platformName } from "../../../src/native/loader";
import { stageRoot } from "./nativeRig";

/** What set-up built; tests run at the top of the repository. */
export const coreFile = path.resolve("dist", "core.js");
export const nativeStage = path.join(stageRoot, platformName);
