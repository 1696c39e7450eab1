#!/usr/bin/env node
/**
 * `npm start [-- FOLDER]`: set-up, then VS Code with the extension from this checkout. The desktop build where there is
 * one or one can be downloaded, else VS Code's server on 127.0.0.1, whose address is printed. Ctrl-C stops all of it.
 *
 * The window has a profile of its own: nobody's settings are touched, and agents are there again the next time.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { canShowWindows, downloadDesktop, findInstalledDesktop } from "./desktop.mjs";
import { startGuarded } from "./guarded.mjs";
import { profileFolder } from "./profile.mjs";
import { seedSettings, serverFolders, startServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(path.dirname(here));
const profile = profileFolder(root, "start");
const folder = path.resolve(process.argv[2] ?? path.join(root, "test", "fixtures", "workspace"));

if (!fs.existsSync(folder)) {
  console.error(`${folder} is not there: name a folder that VS Code can open`);
  process.exit(1);
}
const setUp = spawnSync(process.execPath, [path.join(root, "native", "setup.mjs")], { stdio: "inherit" });
if (setUp.status !== 0) process.exit(setUp.status ?? 1);

const folders = serverFolders(profile);
seedSettings(folders.userData);
const desktop = canShowWindows() ? (findInstalledDesktop() ?? (await downloadDesktop())) : undefined;
const host = desktop === undefined ? await startEmbedded() : startDesktop(desktop);
console.log("Resident is in the activity bar. Ctrl-C here stops VS Code and everything that it started.");

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (stopping) host.kill();
    else console.log("\nStopping: open agents are saved. Ctrl-C again does not wait.");
    stopping = true;
    host.stop();
  });
}
const code = await host.exited;
process.exit(stopping ? 0 : code);

function startDesktop(executable) {
  console.log(`Starting ${executable}`);
  const args = [
    ...["--new-window", "--skip-welcome", "--skip-release-notes", "--disable-workspace-trust"],
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    `--user-data-dir=${folders.userData}`,
    `--extensions-dir=${folders.extensions}`,
    `--extensionDevelopmentPath=${root}`,
    folder,
  ];
  return startGuarded(executable, args, desktopEnvironment(), (text) => {
    if (process.env.RESIDENT_VERBOSE) process.stderr.write(text);
  });
}

/** Without what a terminal inside VS Code sets: those variables would make the new one talk to it, or act as Node. */
function desktopEnvironment() {
  const inherited = Object.entries(process.env);
  return Object.fromEntries(inherited.filter(([name]) => !/^(VSCODE_|ELECTRON_RUN_AS_NODE$)/.test(name)));
}

async function startEmbedded() {
  linkExtension(folders.extensions);
  const { port, token } = readAddress();
  const server = await startServer(folders, { port, token });
  writeAddress({ port: server.port, token });
  console.log(`\nOpen ${server.url(folder)}\n`);
  return server;
}

/** The server takes the checkout for an installed extension: a link to it in a folder that holds nothing else. */
function linkExtension(extensions) {
  const { publisher, name, version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
  fs.rmSync(extensions, { recursive: true, force: true });
  fs.mkdirSync(extensions, { recursive: true });
  fs.symlinkSync(root, path.join(extensions, `${publisher}.${name}-${version}`));
}

/** The same address each time: a browser keeps what is open in the workbench by address. */
function readAddress() {
  try {
    return JSON.parse(fs.readFileSync(path.join(profile, "address.json"), "utf8"));
  } catch {
    return { port: 0, token: randomBytes(16).toString("hex") };
  }
}

function writeAddress(address) {
  fs.writeFileSync(path.join(profile, "address.json"), JSON.stringify(address), { mode: 0o600 });
}
