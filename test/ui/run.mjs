#!/usr/bin/env node
/**
 * Drives the real workbench as a person does: packages this platform's VSIX, installs it into a fresh VS Code server,
 * and runs out/test/ui/ with a browser on it. Pictures go to out/screenshots/.
 *
 *   node test/ui/run.mjs              packages first
 *   node test/ui/run.mjs --vsix FILE  installs this one
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Mocha from "mocha";
import { ensureBrowser } from "../host/browser.mjs";
import { judge, readResults } from "../runner/report.mjs";
import { packaged, withPackaged } from "./packaged.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const bundles = path.join(root, "out", "test", "ui");
const screenshots = path.join(root, "out", "screenshots");
const resultsFile = process.env.RESIDENT_RESULTS ?? path.join(root, "out", "results", "ui.json");
const testLimitMs = 120_000;

/** The same answers each time, and room for long ones: a suite that stops an answer must find it running. */
const settings = {
  "resident.answers.maxTokens": 1000,
  "resident.answers.temperature": 0,
  "window.autoDetectColorScheme": true,
  // Terminals draw their text as text: it can be read there.
  "terminal.integrated.gpuAcceleration": "off",
};

/** Mocha in this process, as its own command would run it. */
function runSuites() {
  const mocha = new Mocha({
    ui: "bdd",
    timeout: testLimitMs,
    reporter: path.join(root, "test", "runner", "reporter.cjs"),
  });
  const files = fs.readdirSync(bundles, { recursive: true }).sort();
  for (const file of files) if (file.endsWith(".test.js")) mocha.addFile(path.join(bundles, file));
  return new Promise((resolve) => mocha.run(resolve));
}

try {
  ensureBrowser();
  await withPackaged(packaged(), settings, async ({ workspace, settings: settingsFile, start }) => {
    fs.writeFileSync(path.join(workspace, "app.ts"), "");
    const server = await start();
    fs.rmSync(screenshots, { recursive: true, force: true });
    fs.rmSync(resultsFile, { force: true });
    process.env.RESIDENT_RESULTS = resultsFile;
    process.env.RESIDENT_UI_URL = server.url(workspace);
    process.env.RESIDENT_UI_SCREENSHOTS = screenshots;
    process.env.RESIDENT_UI_SETTINGS = settingsFile;
    const startedAt = Date.now();
    const code = await Promise.race([runSuites(), server.exited.then(() => 1)]);
    // The host must have outlived the suites, whatever they say.
    const failure = server.hostFailure();
    const results = readResults(resultsFile);
    const exit = { code, signal: null, timedOut: false, durationMs: Date.now() - startedAt };
    const { passed, failed, pending, failures } = judge(
      "ui",
      exit,
      failure ? { ...results, problem: failure } : results,
    );
    fs.writeFileSync(resultsFile, `${JSON.stringify({ passed, failed, pending, failures }, null, 2)}\n`);
    process.exitCode = failed === 0 ? 0 : 1;
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
