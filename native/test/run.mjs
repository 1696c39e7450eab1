/**
 * The addon's own tests: C++ tests of the core, then what the addon must survive (lifetimes.mjs). `--asan` does the same
 * with a build under AddressSanitizer and UndefinedBehaviorSanitizer. Needs what `node native/setup.mjs` fetches.
 * The last line is `N passed, N failed`; RESIDENT_RESULTS names a file for the same as JSON.
 */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "../setup/lock.mjs";
import { scenarioNames } from "./lifetimes.mjs";

const native = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const platform = `${process.platform}-${process.arch}`;
const asan = process.argv.includes("--asan");
// The plain tests share the objects of the addon that set-up has compiled.
const build = path.join(native, "build", asan ? `${platform}-asan` : platform);
const stage = path.join(build, "stage");
/** Under the sanitizers it stands behind the other tiers, and may have to wait for a processor. */
const scenarioLimitMs = asan ? 600_000 : 60_000;
/** How a process ends is a race between its threads: one lost in six would pass most single runs. */
const exitRounds = 12;
const failures = [];
let passed = 0;

await withLock((text) => console.log(text), compile, asan ? "asan" : "build");
runCoreTests();
runLifetimes();
console.log(`${passed} passed, ${failures.length} failed`);
if (process.env.RESIDENT_RESULTS) {
  fs.mkdirSync(path.dirname(process.env.RESIDENT_RESULTS), { recursive: true });
  const results = { passed, failed: failures.length, pending: 0, failures };
  fs.writeFileSync(process.env.RESIDENT_RESULTS, JSON.stringify(results));
}
process.exitCode = failures.length === 0 ? 0 : 1;

function compile() {
  const run = (...args) => execFileSync("cmake", args, { stdio: ["ignore", "ignore", "inherit"] });
  if (!fs.existsSync(path.join(build, "CMakeCache.txt"))) {
    const mlx = path.join(native, "mlx", platform, "mlx");
    run(
      "-S",
      native,
      "-B",
      build,
      `-DMLX_ROOT=${mlx}`,
      `-DSTAGE_DIR=${stage}`,
      `-DRESIDENT_SANITIZE=${asan ? "ON" : "OFF"}`,
      `-DRESIDENT_STRICT=${asan ? "ON" : "OFF"}`,
    );
  }
  run("--build", build, "--parallel", "2", "--target", "resident", "resident_tests");
}

function runCoreTests() {
  const { stdout, status } = spawnSync(path.join(build, "resident_tests"), {
    encoding: "utf8",
    env: sanitizerEnv(true),
  });
  const summary = /(\d+) passed, (\d+) failed\s*$/.exec(stdout ?? "");
  passed += Number(summary?.[1] ?? 0);
  for (const [line] of (stdout ?? "").matchAll(/^(not run|fuzz): .*$/gm)) console.log(line);
  if (status === 0 && summary) return;
  for (const [, title, message] of (stdout ?? "").matchAll(/^FAILED (.*)\n {2}(.*)$/gm)) fail(title, message);
  if (Number(summary?.[2] ?? 0) === 0) fail("C++ tests", `ended with exit code ${status} and no failed test`);
}

function runLifetimes() {
  const model = fs.mkdtempSync(path.join(os.tmpdir(), "resident tiny model "));
  try {
    execFileSync(path.join(build, "resident_tests"), ["--write-tiny-model", model], { env: sanitizerEnv(false) });
    for (const name of scenarioNames) runScenario(name, model);
  } finally {
    fs.rmSync(model, { recursive: true, force: true });
  }
}

function runScenario(name, model) {
  const script = path.join(native, "test", "lifetimes.mjs");
  const args = ["--expose-gc", script, name, path.join(stage, "resident.node"), model];
  const env = { ...sanitizerEnv(false), ...preload() };
  const rounds = name.startsWith("exit") ? exitRounds : 1;
  for (let round = 0; round < rounds; round++) {
    const { status, signal, stderr } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      env,
      timeout: scenarioLimitMs,
    });
    if (status !== 0 || stderr.includes("ERROR: AddressSanitizer") || stderr.includes("runtime error:")) {
      return fail(name, `ended with ${signal ?? `exit code ${status}`}\n${stderr.slice(-4000)}`);
    }
  }
  passed++;
}

function fail(title, message) {
  failures.push({ title, message });
  console.log(`FAILED ${title}\n  ${message}`);
}

/**
 * Node's own leaks at exit are not ours to judge; the C++ tests look for leaks. macOS's libc++ marks what vectors do not use,
 * and MLX's library, compiled without the sanitizer, does not: one that crosses over looks like an overflow.
 */
function sanitizerEnv(leaks) {
  const isMac = process.platform === "darwin";
  const options = [`detect_leaks=${leaks && !isMac ? 1 : 0}`, ...(isMac ? ["detect_container_overflow=0"] : [])];
  return { ...process.env, ASAN_OPTIONS: options.join(":") };
}

/** A program that was not compiled with the sanitizer must have its runtime loaded first. */
function preload() {
  if (!asan) return {};
  const library = process.platform === "darwin" ? "libclang_rt.asan_osx_dynamic.dylib" : "libasan.so";
  const compiler = process.platform === "darwin" ? "clang++" : (process.env.CXX ?? "c++");
  const file = execFileSync(compiler, [`-print-file-name=${library}`], { encoding: "utf8" }).trim();
  return { [process.platform === "darwin" ? "DYLD_INSERT_LIBRARIES" : "LD_PRELOAD"]: file };
}
