/** The Python that the reference runs in: the machine's own interpreter, with the packages of one list alone. */
import fs from "node:fs";
import path from "node:path";
import { SetupError } from "../../native/setup/errors.mjs";
import { withLock } from "../../native/setup/lock.mjs";
import { cacheDirectory, mlxDirectory, root } from "../../native/setup/paths.mjs";
import { mlxWheel } from "../../native/setup/pins.mjs";
import { output, run } from "../../native/setup/run.mjs";
import { clearStamp, hashFiles, isCurrent, replaceFolder, writeStamp } from "../../native/setup/stamps.mjs";
import { isAtLeast } from "../../native/setup/versions.mjs";

const oldestPython = "3.11";
const candidates = [process.env.RESIDENT_PYTHON ?? "python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/**
 * Packages that scripts run in. `proofs`: folders that are there once they are installed. `installing`: what a person is
 * told meanwhile. `buildEnv`: for what pip compiles. `mlx`: the wheel whose MLX is added, the addon's: another build, such
 * as that for another macOS, has other kernels, and would be compared instead of our work.
 */
export const mlxLm = {
  name: "reference-python",
  title: "mlx_lm",
  requirements: "test/reference/requirements.txt",
  proofs: ["mlx", "mlx_lm", "transformers"],
  installing: "mlx_lm, about 60 MB",
  options: ["--only-binary=:all:"],
  mlx: mlxWheel,
};

const folderOf = ({ name }) => path.join(cacheDirectory, name);

/**
 * Installs what is not there yet; takes a moment when all is.
 *
 * @returns {Promise<{ command: string, options: string[], env: NodeJS.ProcessEnv }>} how to run a script in it
 */
export async function ensurePython(say, packages = mlxLm) {
  const ready = () => findInstalled(packages);
  const command = ready() ?? (await withLock(say, async () => ready() ?? (await install(say, packages))));
  return {
    command,
    // Neither the user's packages nor those of the system: the versions are the pinned ones.
    options: ["-s", "-S"],
    env: {
      ...process.env,
      PYTHONPATH: folderOf(packages),
      PYTHONUTF8: "1",
      HF_HUB_OFFLINE: "1",
      TRANSFORMERS_VERBOSITY: "error",
      // On Linux it would start a C++ compiler and load code from a shared temporary folder.
      ...(process.platform === "linux" ? { MLX_DISABLE_COMPILE: "1" } : {}),
    },
  };
}

/** Interpreters that are new enough, as `{ command, version }`. */
function* pythons() {
  for (const command of candidates) {
    const version = output(command, ["--version"]);
    if (version !== undefined && isAtLeast(version.replace(/^\D+/, ""), oldestPython)) yield { command, version };
  }
}

const keyOf = ({ requirements, mlx }, version) =>
  hashFiles(root, [requirements], version, process.platform, process.arch, mlx?.sha256 ?? "");

/** What pip is asked for in addition to the list: MLX's Python part, of the version and systems that `wheel` is for. */
export function mlxPythonPart(wheel, pythonVersion) {
  const python = /\d+\.\d+/.exec(pythonVersion)?.[0];
  const platforms = wheel.tags.map((tag) => `--platform=${tag}`);
  return [
    `--python-version=${python}`,
    ...platforms,
    "--only-binary=:all:",
    `mlx==${wheel.requirement.split("==")[1]}`,
  ];
}

/** The interpreter that the packages are installed for. */
function findInstalled(packages) {
  const outputs = packages.proofs.map((proof) => path.join(folderOf(packages), proof));
  for (const { command, version } of pythons()) {
    if (isCurrent(packages.name, keyOf(packages, version), outputs)) return command;
  }
  return undefined;
}

async function install(say, packages) {
  const { name, title, requirements } = packages;
  const { command, version } = [...pythons()].find((python) => hasPip(python.command)) ?? noPython(title);
  say(`installing ${packages.installing}, for ${version} …`);
  clearStamp(name);
  const options = ["--disable-pip-version-check", "--no-deps", "--no-compile", ...packages.options];
  await replaceFolder(folderOf(packages), async (part) => {
    const pip = (...args) =>
      run(
        `installing the Python packages of ${title}`,
        command,
        ["-m", "pip", "install", ...options, "--target", part, ...args],
        {
          env: { ...process.env, ...packages.buildEnv },
          advice: "check the network (a proxy belongs into HTTPS_PROXY, an index into PIP_INDEX_URL) and run it again",
        },
      );
    await pip("-r", path.join(root, requirements));
    if (packages.mlx === undefined) return;
    await pip(...mlxPythonPart(packages.mlx, version));
    addMlx(part);
  });
  writeStamp(name, keyOf(packages, version));
  return command;
}

/** The libraries of the addon's MLX, which set-up has unpacked and checked. */
function addMlx(folder) {
  if (!fs.existsSync(path.join(mlxDirectory, "mlx", "lib"))) {
    throw new SetupError("the addon's MLX is not there", "node native/setup.mjs --only mlx");
  }
  fs.cpSync(mlxDirectory, folder, { recursive: true, verbatimSymlinks: true, mode: fs.constants.COPYFILE_FICLONE });
}

const hasPip = (command) => output(command, ["-m", "pip", "--version"]) !== undefined;

function noPython(title) {
  const found = output("python3", ["--version"]) ?? "no Python 3";
  throw new SetupError(
    `${title} needs Python ${oldestPython} or newer with pip; there is ${found}`,
    process.platform === "darwin" ? "brew install python@3.13" : "sudo apt-get install -y python3 python3-pip",
  );
}
