/** What must be on the machine, and the command that installs it where it is not. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { SetupError } from "./errors.mjs";
import { root } from "./paths.mjs";
import { platformProblem, readPlatform } from "./platformAdvice.mjs";
import { output } from "./run.mjs";
import { isAtLeast } from "./versions.mjs";

const oldestNode = 20;

export const npm = "npm";
export const python = "python3";
export const compiler = process.env.CXX ?? "c++";

/** Which package manager this machine has decides what is advised. */
function install({ brew, apt, dnf, pacman }) {
  if (process.platform === "darwin") return brew;
  const has = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
  if (has("apt-get")) return `sudo apt-get install -y ${apt}`;
  if (has("dnf")) return `sudo dnf install -y ${dnf}`;
  if (has("pacman")) return `sudo pacman -S --needed ${pacman}`;
  return `install ${apt} with your system's package manager`;
}

/** The C++ core's own CMakeLists.txt says which CMake it needs. */
function oldestCmake() {
  const text = fs.readFileSync(path.join(root, "native", "CMakeLists.txt"), "utf8");
  return /cmake_minimum_required\(VERSION ([\d.]+)/.exec(text)?.[1] ?? "3.22";
}

const checks = {
  node() {
    if (isAtLeast(process.versions.node, `${oldestNode}`)) return undefined;
    const command = install({ brew: "brew install node@22", apt: "nodejs", dnf: "nodejs", pacman: "nodejs npm" });
    return [`Node ${process.versions.node} is too old: ${oldestNode} or newer is needed`, command];
  },

  npm() {
    if (output(npm, ["--version"]) !== undefined) return undefined;
    return ["npm is missing", install({ brew: "brew install node@22", apt: "npm", dnf: "npm", pacman: "npm" })];
  },

  platform: () => platformProblem(readPlatform()),

  python() {
    if (output(python, ["-m", "pip", "--version"]) !== undefined) return undefined;
    const found = output(python, ["--version"]);
    const command = install({
      brew: "xcode-select --install",
      apt: "python3 python3-pip",
      dnf: "python3 python3-pip",
      pacman: "python python-pip",
    });
    return [found === undefined ? "Python 3 is missing" : `${found} has no pip`, command];
  },

  cmake() {
    const oldest = oldestCmake();
    const version = /version ([\d.]+)/.exec(output("cmake", ["--version"]) ?? "")?.[1];
    if (version !== undefined && isAtLeast(version, oldest)) return undefined;
    const command = install({ brew: "brew install cmake", apt: "cmake", dnf: "cmake", pacman: "cmake" });
    return [
      version === undefined ? "CMake is missing" : `CMake ${version} is too old: ${oldest} or newer is needed`,
      command,
    ];
  },

  make() {
    if (["ninja", "make"].some((command) => output(command, ["--version"]) !== undefined)) return undefined;
    return ["make is missing", install({ brew: "xcode-select --install", apt: "make", dnf: "make", pacman: "make" })];
  },

  compiler() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident-setup-"));
    try {
      const probe = path.join(folder, "probe.cc");
      fs.writeFileSync(probe, "#include <concepts>\n#include <span>\nstd::span<const int> s;\nint main() {}\n");
      if (output(compiler, ["-std=c++20", "-fsyntax-only", probe]) !== undefined) return undefined;
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
    const command = install({ brew: "xcode-select --install", apt: "g++", dnf: "gcc-c++", pacman: "gcc" });
    return [`no C++20 compiler: "${compiler}" is missing or too old`, command];
  },
};

/** Throws one error that names everything that is missing among `names`. */
export function requireTools(names) {
  const missing = names.map((name) => checks[name]()).filter((found) => found !== undefined);
  if (missing.length === 0) return;
  const what = missing.map(([problem]) => problem).join("; ");
  throw new SetupError(what, [...new Set(missing.map(([, command]) => command))].join("\n  "));
}
