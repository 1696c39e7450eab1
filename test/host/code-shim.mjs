#!/usr/bin/env node
/**
 * Stands in for VS Code's desktop executable where none can be had: takes the command line that @vscode/test-electron's
 * `runTests({ vscodeExecutablePath })` gives, and runs the suite in the embedded server, shown by a headless Chromium.
 *
 * Exit code: the suite's; 96 for a crashed extension host (the workbench itself reports 0 then), 97 for a server that
 * ended, 98 for a crashed page, 99 for a suite that did not end in RESIDENT_HOST_LIMIT_MS.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import { launchBrowser } from "./browser.mjs";
import { isWorkspaceFile, seedSettings, serverFolders, startServer } from "./server.mjs";

const hostCrashed = 96;
const serverEnded = 97;
const pageCrashed = 98;
const timedOut = 99;
const limitMs = Number(process.env.RESIDENT_HOST_LIMIT_MS ?? 300_000);
const exitNoticeMs = 3_000;

const args = process.argv.slice(2);
const values = (name) => args.filter((arg) => arg.startsWith(`--${name}=`)).map((arg) => arg.slice(name.length + 3));
const [testsPath] = values("extensionTestsPath");
if (testsPath === undefined) {
  console.error("This stand-in for VS Code only runs tests: --extensionTestsPath is missing.");
  process.exit(2);
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-host-"));
const folders = serverFolders(scratch);
folders.userData = path.resolve(values("user-data-dir")[0] ?? folders.userData);
folders.extensions = path.resolve(values("extensions-dir")[0] ?? folders.extensions);
const workspace = path.resolve(args.find((arg) => !arg.startsWith("-")) ?? path.join(scratch, "workspace"));
if (!isWorkspaceFile(workspace)) fs.mkdirSync(workspace, { recursive: true });
seedSettings(folders.userData);

/** What the workbench says of services and native modules that this server does not have. */
const noise = [
  // A folder of a file system that the suite itself makes, before it is made.
  /ENOPRO: No file system provider|^CodeExpectedError\s+at \w+\.withProvider|^No search provider registered/,
  /^\[(AgentHost|ChatModelSelection|AccountPolicyGate|remote-connection|reconnection-grace-time|RemoteAgentHostProtocol|Service Worker)\b/,
  /open-vsx|@vscode[/](spdlog|native-watchdog)/,
  /authentication provider 'github'/,
  /^(Creating a socket|Creation of workbench contribution|Resolving connection token|Resolved connection token|Updating additional builtin extensions cache)/,
];

function print(args) {
  const line = format(...args);
  if (process.env.RESIDENT_HOST_VERBOSE || !noise.some((pattern) => pattern.test(line))) console.log(line);
}

let server;
let browser;
let code = 1;
try {
  server = await startServer(folders, { driver: true });
  browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  code = await runSuite(page);
  code = await confirm(code);
} catch (error) {
  console.error(error);
} finally {
  await browser?.close();
  // The extension host has ended, or had its time: nothing is left that would still save.
  await server?.kill();
  fs.rmSync(scratch, { recursive: true, force: true });
}
process.exit(code);

async function runSuite(page) {
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  await page.exposeFunction("codeAutomationLog", (_type, args) => print(args));
  await page.exposeFunction("codeAutomationExit", (suiteCode) => end(suiteCode));
  page.on("crash", () => end(pageCrashed));
  server.exited.then(() => end(serverEnded));
  const timer = setTimeout(end, limitMs, timedOut);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end(130));
  const remote = (file) => `vscode-remote://localhost:${server.port}${pathToFileURL(path.resolve(file)).pathname}`;
  await page.goto(
    server.url(workspace, [
      ...values("extensionDevelopmentPath").map((file) => ["extensionDevelopmentPath", remote(file)]),
      ["extensionTestsPath", remote(testsPath)],
      ["skipWelcome", "true"],
      ["skipReleaseNotes", "true"],
    ]),
  );
  const suiteCode = await ended;
  clearTimeout(timer);
  return suiteCode;
}

/** What the server says about the end of the extension host outranks a suite that reports success. */
async function confirm(suiteCode) {
  for (let waitedMs = 0; waitedMs < exitNoticeMs && !server.hostHasExited(); waitedMs += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (suiteCode === timedOut) console.error(`The suite did not end in ${limitMs / 1000} s.`);
  if (suiteCode === pageCrashed) console.error("The workbench's page crashed.");
  if (suiteCode === serverEnded) console.error(`VS Code's server ended:\n${server.log()}`);
  const failure = server.hostFailure();
  if (failure === undefined || suiteCode !== 0) return suiteCode;
  console.error(failure);
  return hostCrashed;
}
