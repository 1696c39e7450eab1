/** Can set-up work on this machine? Facts and answer are apart, so that every machine can be played on any. */
import { spawnSync } from "node:child_process";
import { isAtLeast } from "./versions.mjs";

export const oldestMacos = "14";
const oldestGlibc = "2.35";

/** Output of one of the system's own programs, or undefined where it is missing or fails. */
function ask(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.trim() : undefined;
}

/** The version of this macOS; undefined on other systems. */
export const thisMacos = () => (process.platform === "darwin" ? ask("sw_vers", "-productVersion") : undefined);

/** @returns {{ system: string, processor: string, isTranslated: boolean, macos?: string, glibc?: string }} */
export function readPlatform() {
  return {
    system: process.platform,
    processor: process.arch,
    isTranslated: process.platform === "darwin" && ask("sysctl", "-in", "sysctl.proc_translated") === "1",
    macos: thisMacos(),
    glibc: process.platform === "linux" ? process.report.getReport().header.glibcVersionRuntime : undefined,
  };
}

/** @returns {[problem: string, advice: string] | undefined} undefined: set-up can work */
export function platformProblem({ system, processor, isTranslated, macos, glibc }) {
  if (system === "darwin") return macProblem(processor, isTranslated, macos);
  if (system !== "linux" || !["x64", "arm64"].includes(processor)) {
    return [
      `${system}-${processor} is not supported: there is no MLX for it`,
      "use macOS on Apple silicon, or Linux on x64 or arm64",
    ];
  }
  if (glibc !== undefined && isAtLeast(glibc, oldestGlibc)) return undefined;
  const found = glibc === undefined ? "this Linux has no glibc" : `glibc ${glibc} is too old`;
  return [`${found}: MLX needs glibc ${oldestGlibc} or newer`, "use a newer system, such as Ubuntu 22.04 or Debian 12"];
}

function macProblem(processor, isTranslated, macos) {
  if (isTranslated) {
    return [
      "this Node is the one for Intel Macs, which Rosetta translates: MLX needs the one for Apple silicon",
      'install Node for arm64 (brew install node@22 in a terminal that does not run in Rosetta): "node -p process.arch" must say arm64',
    ];
  }
  if (processor !== "arm64") {
    return ["this Mac has an Intel processor: there is no MLX for it", "use a Mac with Apple silicon, or Linux"];
  }
  if (macos !== undefined && isAtLeast(macos, oldestMacos)) return undefined;
  return [`macOS ${macos ?? "of an unknown version"} is too old: ${oldestMacos} or newer is needed`, "update macOS"];
}
