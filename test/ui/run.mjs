#!/usr/bin/env node
/**
 * Drives the real workbench as a person does: packages this platform's VSIX, installs it into a fresh VS Code server,
 * and runs out/test/ui/ with a browser on it. Pictures go to out/screenshots/. Suites that fail run once more, on a server of
 * their own: VS Code's pages take the focus from each other at times that nobody chooses. The report tells what failed at first.
 *
 *   node test/ui/run.mjs              packages first
 *   node test/ui/run.mjs --vsix FILE  installs this one
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Mocha from "mocha";
import { ensureBrowser } from "../host/browser.mjs";
import { filesAgain, judge, readResults, withSecondTry } from "../runner/report.mjs";
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
async function runSuites(files) {
  const mocha = new Mocha({
    ui: "bdd",
    timeout: testLimitMs,
    reporter: path.join(root, "test", "runner", "reporter.cjs"),
  });
  for (const file of files) mocha.addFile(path.join(root, file));
  const failed = await new Promise((resolve) => mocha.run(resolve));
  mocha.unloadFiles();
  return failed;
}

/** Runs suites with a server and a home of their own. */
function attempt(vsix, files) {
  return withPackaged(vsix, settings, async ({ home, workspace, settings: settingsFile, start }) => {
    fs.writeFileSync(path.join(workspace, "app.ts"), "");
    const server = await start();
    fs.rmSync(resultsFile, { force: true });
    process.env.RESIDENT_RESULTS = resultsFile;
    process.env.RESIDENT_UI_HOME = home;
    process.env.RESIDENT_UI_URL = server.url(workspace);
    process.env.RESIDENT_UI_SCREENSHOTS = screenshots;
    process.env.RESIDENT_UI_SETTINGS = settingsFile;
    const code = await Promise.race([runSuites(files), server.exited.then(() => 1)]);
    const results = readResults(resultsFile);
    // The host must have outlived the suites, whatever they say.
    const problem = server.hostFailure() ?? results.problem;
    return { ...results, code, ...(problem === undefined ? {} : { problem }) };
  });
}

try {
  ensureBrowser();
  const vsix = packaged();
  const startedAt = Date.now();
  fs.rmSync(screenshots, { recursive: true, force: true });
  const suites = fs.readdirSync(bundles, { recursive: true }).filter((file) => file.endsWith(".test.js"));
  const first = await attempt(
    vsix,
    suites.sort().map((file) => path.relative(root, path.join(bundles, file))),
  );
  const again = filesAgain(first);
  if (again.length > 0) console.log(`once more: ${again.join(", ")}`);
  const results = again.length > 0 ? withSecondTry(first, await attempt(vsix, again)) : first;
  const exit = { code: results.code, signal: null, timedOut: false, durationMs: Date.now() - startedAt };
  const row = judge("ui", exit, results);
  fs.writeFileSync(resultsFile, `${JSON.stringify(row, null, 2)}\n`);
  process.exitCode = row.failed === 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
