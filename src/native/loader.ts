import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ResidentError } from "../common/errors";
import type { NativeAddon } from "./binding";
import { missingKernels, type PlatformFacts, platformProblem } from "./platformAdvice";
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
  if (!fs.existsSync(file)) throw missing(file, describeStage(stageRoot), undefined);
  const kernels = missingKernels(process.platform, path.dirname(file), fs.existsSync);
  if (kernels !== undefined) throw missing(file, `${kernels} is missing`, undefined);
  // Not require: a bundler would try to resolve it, but the path is known only at run time.
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, file, os.constants.dlopen.RTLD_NOW);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw missing(file, said, said, error);
  }
  if (!isAddon(module.exports)) throw missing(file, "the file is not a Resident addon", undefined);
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

/** `said`: by the system, when it refused the file. */
function missing(file: string, why: string, said: string | undefined, cause?: unknown): ResidentError {
  const problem = platformProblem(readFacts(path.dirname(file), said));
  return new ResidentError(
    "ADDON_MISSING",
    `the native addon for ${platformName} could not be loaded from ${file}: ${problem?.why ?? why}`,
    problem?.advice ?? "install the extension's package for this platform, or run `npm run setup` in a checkout",
    { path: file, platform: platformName },
    cause,
  );
}

function readFacts(folder: string, said: string | undefined): PlatformFacts {
  return {
    system: process.platform,
    processor: process.arch,
    isTranslated: process.platform === "darwin" && process.arch === "x64" && isTranslated(),
    kernel: os.release(),
    folder,
    said,
  };
}

function isTranslated(): boolean {
  const { stdout } = spawnSync("sysctl", ["-in", "sysctl.proc_translated"], { encoding: "utf8", timeout: 2_000 });
  return stdout?.trim() === "1";
}
