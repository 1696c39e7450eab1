/** Finds VS Code's desktop build: the person's own, or one that @vscode/test-electron downloads. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const answerFile = path.join(root, "native", ".cache", "desktop-download.json");
const probeLimitMs = 5_000;
const answerHoldsMs = 24 * 60 * 60_000;

const usualPlaces = {
  darwin: [
    "/Applications/Visual Studio Code.app",
    path.join(os.homedir(), "Applications", "Visual Studio Code.app"),
    "/Applications/Visual Studio Code - Insiders.app",
    "/Applications/VSCodium.app",
  ],
  linux: ["/usr/share/code/code", "/opt/visual-studio-code/code", "/snap/code/current/usr/share/code/code"],
};

/** On Linux a window needs a display; a server without one gets the embedded server. */
export function canShowWindows(env = process.env) {
  return process.platform !== "linux" || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * The executable of the VS Code that is installed here: `code` on the path, or an application in a usual folder.
 * Not the `code` command itself, which hands over to a running VS Code and returns: what is started must be ours to stop.
 */
export function findInstalledDesktop(env = process.env) {
  const commands = (env.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, "code"));
  const candidates = [...commands, ...(usualPlaces[process.platform] ?? [])];
  for (const candidate of candidates) {
    const executable = fs.existsSync(candidate) ? desktopExecutable(fs.realpathSync(candidate)) : undefined;
    if (executable) return executable;
  }
  return undefined;
}

/** `file`: an application's folder or executable, or its `code` command. A remote window's `code` has none: undefined. */
function desktopExecutable(file) {
  const bundle = /^.*?\.app(?=\/|$)/.exec(file)?.[0];
  const places = bundle
    ? ["Electron", "Code", "Code - Insiders", "VSCodium"].map((name) => path.join(bundle, "Contents", "MacOS", name))
    : [file, path.join(path.dirname(path.dirname(file)), "code")];
  return places.find((place) => isProgram(place));
}

/** A binary: the `code` commands are scripts. */
function isProgram(file) {
  if (!fs.existsSync(file) || !fs.statSync(file).isFile()) return false;
  const head = Buffer.alloc(2);
  const fd = fs.openSync(file, "r");
  fs.readSync(fd, head, 0, 2, 0);
  fs.closeSync(fd);
  return head.toString("latin1") !== "#!";
}

/**
 * The stable build in .vscode-test/, downloaded when it is not there. That it cannot be had is remembered for a day.
 *
 * @param {() => Promise<string>} download
 * @param {string} remembered the file that holds the answer
 * @returns {Promise<string | undefined>} its executable
 */
export async function downloadDesktop(download = downloadStable, remembered = answerFile) {
  if (readAnswer(remembered)?.available === false) return undefined;
  let executable;
  try {
    const told = await download();
    // What the program in an application's folder is called has changed: what is there counts, not what was told.
    executable = desktopExecutable(told);
    if (executable === undefined) console.log(`VS Code's desktop build was downloaded, and ${told} is not there.`);
  } catch (error) {
    console.log(`VS Code's desktop build cannot be downloaded here (${error?.message ?? error}).`);
  }
  writeAnswer(remembered, executable !== undefined);
  return executable;
}

async function downloadStable() {
  const { downloadAndUnzipVSCode } = await import("@vscode/test-electron");
  return downloadAndUnzipVSCode({
    version: "stable",
    cachePath: path.join(root, ".vscode-test"),
    timeout: probeLimitMs,
  });
}

function readAnswer(file) {
  try {
    const answer = JSON.parse(fs.readFileSync(file, "utf8"));
    return Date.now() - Date.parse(answer.at) < answerHoldsMs ? answer : undefined;
  } catch {
    return undefined;
  }
}

function writeAnswer(file, available) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify({ available, at: new Date().toISOString() })}\n`);
}
