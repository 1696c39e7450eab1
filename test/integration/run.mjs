#!/usr/bin/env node
/**
 * Runs out/test/integration/ inside VS Code's extension host, in windows one after the other on the same profile:
 * what `restarted/` holds must find what the first one left, and `virtual/` has a workspace with a folder of a file system
 * that the suite makes. `--real` runs `real/` instead, with a model of 0.5 billion parameters, and then its `tasks/` in a
 * window of their own; words behind it choose among the windows by name. VS Code is the desktop build where one can be
 * downloaded, else the embedded server of test/host behind
 * the same call.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runTests } from "@vscode/test-electron";
import { ensureBrowser } from "../host/browser.mjs";
import { canShowWindows, downloadDesktop } from "../host/desktop.mjs";
import { seedSettings } from "../host/server.mjs";
import { ensureServer } from "../host/setup.mjs";
import { judge, readResults } from "../runner/report.mjs";
import { makeToolModel } from "./toolModel.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const bundles = path.join(root, "out", "test", "integration");
const resultsFile = process.env.RESIDENT_RESULTS ?? path.join(root, "out", "results", "integration.json");
const starterModel = path.join(root, "native", "models", "SmolLM2-135M-Instruct");
const isReal = process.argv.includes("--real");
const windowLimitMs = isReal ? 1_800_000 : 360_000;

/** The starter model reads and writes some ten tokens a second here: what is asked for is small. */
const settings = {
  "resident.answers.maxTokens": 12,
  "resident.answers.temperature": 0,
  "resident.pool.sizeMB": isReal ? 1024 : 128,
  ...(isReal && {
    // Writes and these commands need nobody; the tests' person is asked for everything else.
    "resident.tools.approve.write": "never",
    "resident.tools.allowedCommands": ["node area.check.mjs", "node check.mjs", "ls", "cat", "python3 hello.py"],
    "resident.tools.mostSteps": 12,
    "resident.tools.mostMinutes": 4,
  }),
};

/** Words of names of windows; none: all of them. */
const parts = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const isChosen = ({ name }) => parts.length === 0 || parts.some((part) => name.includes(part));

const top = isReal ? "real" : ".";
const windows = [
  { name: "first window", folder: top },
  { name: "restarted window", folder: path.join(top, "restarted") },
  { name: "virtual window", folder: path.join(top, "virtual"), workspace: "virtual.code-workspace" },
  { name: "window of tasks", folder: path.join(top, "tasks") },
].filter((window) => suites(window.folder).length > 0 && isChosen(window));

function suites(folder) {
  const directory = path.join(bundles, folder);
  return fs.existsSync(directory) ? fs.readdirSync(directory).filter((file) => file.endsWith(".test.js")) : [];
}

async function findHost() {
  const desktop = canShowWindows() ? await downloadDesktop() : undefined;
  if (desktop !== undefined) return desktop;
  ensureServer();
  ensureBrowser();
  return path.join(root, "test", "host", "code-shim.mjs");
}

async function runWindow({ name, folder, workspace = "workspace" }, host, scratch) {
  const file = path.join(path.dirname(resultsFile), `integration-${name.replaceAll(" ", "-")}.json`);
  fs.rmSync(file, { force: true });
  const userData = path.join(scratch, "user-data");
  seedSettings(userData, settings);
  const startedAt = Date.now();
  let code = 0;
  try {
    await runTests({
      vscodeExecutablePath: host,
      extensionDevelopmentPath: root,
      extensionTestsPath: path.join(bundles, "index"),
      launchArgs: [
        path.join(scratch, workspace),
        "--disable-extensions",
        `--user-data-dir=${userData}`,
        `--extensions-dir=${path.join(scratch, "extensions")}`,
      ],
      extensionTestsEnv: {
        RESIDENT_RESULTS: file,
        RESIDENT_SUITES: folder,
        RESIDENT_HOME: path.join(scratch, "home"),
        RESIDENT_STARTER_MODEL: starterModel,
        RESIDENT_TASK_SEEDS: process.env.RESIDENT_TASK_SEEDS ?? "",
        RESIDENT_HOST_LIMIT_MS: String(windowLimitMs),
      },
    });
  } catch (error) {
    code = error.code ?? 1;
  }
  const exit = { code, signal: null, timedOut: false, durationMs: Date.now() - startedAt };
  return judge(name, exit, readResults(file));
}

function importRealModel(home) {
  const program = (...args) => execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" }).trim();
  const file = program("test/models/fetch.mjs", "qwen");
  program("dist/cli.js", "models", "import", file, "--home", home);
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-"));
fs.mkdirSync(path.dirname(resultsFile), { recursive: true });
fs.cpSync(path.join(root, "test", "fixtures", "workspace"), path.join(scratch, "workspace"), { recursive: true });
const virtualFolder = { uri: "resident-test:/", name: "virtual" };
fs.writeFileSync(
  path.join(scratch, "virtual.code-workspace"),
  JSON.stringify({ folders: [virtualFolder, { path: "workspace", name: "real" }] }),
);
if (isReal) importRealModel(path.join(scratch, "home"));
else makeToolModel(starterModel, path.join(scratch, "home", "models", "SmolLM2-135M-with-tools"));
try {
  const host = await findHost();
  const rows = [];
  for (const window of windows) rows.push(await runWindow(window, host, scratch));
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  const results = {
    passed: sum("passed"),
    failed: sum("failed"),
    pending: sum("pending"),
    failures: rows.flatMap((row) => row.failures),
  };
  fs.writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
  process.exitCode = results.failed === 0 && results.passed > 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}
