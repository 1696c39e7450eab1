import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ResidentError } from "../common/errors";
import type { NativeAddon } from "./binding";
import { withTypedErrors } from "./typedAddon";

/** Set-up and the package put the addon here: `<stage root>/<platform>-<arch>/resident.node`. */
export const addonFile = "resident.node";
export const platformName = `${process.platform}-${process.arch}`;

/**
 * Loads the addon of this platform from a stage root. Each call makes an instance with a thread of its own, so callers
 * must keep it. Throws ADDON_MISSING, which says what was expected and what was found.
 */
export function loadAddon(stageRoot: string): NativeAddon {
  const file = path.join(stageRoot, platformName, addonFile);
  if (!fs.existsSync(file)) throw missing(file, describeStage(stageRoot));
  // Not require: a bundler would try to resolve it, but the path is known only at run time.
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, file, os.constants.dlopen.RTLD_NOW);
  } catch (error) {
    throw missing(file, error instanceof Error ? error.message : String(error), error);
  }
  if (!isAddon(module.exports)) throw missing(file, "the file is not a Resident addon");
  return withTypedErrors(module.exports);
}

function isAddon(exports: unknown): exports is NativeAddon {
  return typeof exports === "object" && exports !== null && "loadModel" in exports && "tryLock" in exports;
}

function describeStage(stageRoot: string): string {
  try {
    const found = fs.readdirSync(stageRoot).filter((name) => fs.existsSync(path.join(stageRoot, name, addonFile)));
    if (found.length > 0) return `there is one for ${found.join(" and ")} only`;
    return "the folder has none";
  } catch {
    return "the folder does not exist";
  }
}

function missing(file: string, why: string, cause?: unknown): ResidentError {
  return new ResidentError(
    "ADDON_MISSING",
    `the native addon for ${platformName} could not be loaded from ${file}: ${why}`,
    "install the extension's package for this platform, or run `npm run setup` in a checkout",
    { path: file, platform: platformName },
    cause,
  );
}
