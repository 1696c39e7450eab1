/** The Python that the reference runs in: the machine's own interpreter, with the packages of requirements.txt alone. */
import path from "node:path";
import { SetupError } from "../../native/setup/errors.mjs";
import { withLock } from "../../native/setup/lock.mjs";
import { cacheDirectory, root } from "../../native/setup/paths.mjs";
import { output, run } from "../../native/setup/run.mjs";
import { clearStamp, hashFiles, isCurrent, replaceFolder, writeStamp } from "../../native/setup/stamps.mjs";
import { isAtLeast } from "../../native/setup/tools.mjs";

const name = "reference-python";
const packages = path.join(cacheDirectory, name);
const requirements = path.join(root, "test", "reference", "requirements.txt");
const oldestPython = "3.11";
const candidates = [process.env.RESIDENT_PYTHON ?? "python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/**
 * Installs what is not there yet; takes a moment when all is.
 *
 * @returns {Promise<{ command: string, options: string[], env: NodeJS.ProcessEnv }>} how to run a script in it
 */
export async function ensurePython(say) {
  const command = findInstalled() ?? (await withLock(say, async () => findInstalled() ?? (await install(say))));
  return {
    command,
    // Neither the user's packages nor those of the system: the versions are the pinned ones.
    options: ["-s", "-S"],
    env: {
      ...process.env,
      PYTHONPATH: packages,
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

const keyOf = (version) =>
  hashFiles(root, ["test/reference/requirements.txt"], version, process.platform, process.arch);

/** The interpreter that the packages are installed for. */
function findInstalled() {
  const outputs = ["mlx", "mlx_lm", "transformers"].map((folder) => path.join(packages, folder));
  for (const { command, version } of pythons()) if (isCurrent(name, keyOf(version), outputs)) return command;
  return undefined;
}

async function install(say) {
  const { command, version } = [...pythons()].find((python) => hasPip(python.command)) ?? noPython();
  say(`installing mlx_lm for ${version}, about 60 MB …`);
  clearStamp(name);
  const options = ["--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--no-compile"];
  await replaceFolder(packages, (part) =>
    run(
      "installing the reference's Python packages",
      command,
      ["-m", "pip", "install", ...options, "--target", part, "-r", requirements],
      { advice: "check the network (a proxy belongs into HTTPS_PROXY, an index into PIP_INDEX_URL) and run it again" },
    ),
  );
  writeStamp(name, keyOf(version));
  return command;
}

const hasPip = (command) => output(command, ["-m", "pip", "--version"]) !== undefined;

function noPython() {
  const found = output("python3", ["--version"]) ?? "no Python 3";
  throw new SetupError(
    `the reference, mlx_lm, needs Python ${oldestPython} or newer with pip; there is ${found}`,
    process.platform === "darwin" ? "brew install python@3.13" : "sudo apt-get install -y python3 python3-pip",
  );
}
