import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { startGuarded } from "./guarded.mjs";
import { ensureServer } from "./setup.mjs";

const startLimitMs = 60_000;

/** Settings of a workbench that nobody has to click through. */
const quietSettings = {
  "workbench.startupEditor": "none",
  "git.openRepositoryInParentFolders": "never",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "update.mode": "none",
};

/** Writes them, and `more`, where the person has none yet. `userData` is a VS Code user data folder. */
export function seedSettings(userData, more = {}) {
  const file = path.join(userData, "User", "settings.json");
  if (fs.existsSync(file)) return;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify({ ...quietSettings, ...more }, null, 2)}\n`);
}

/** The three folders of a server's state inside `root`. */
export function serverFolders(root) {
  return {
    serverData: path.join(root, "server"),
    userData: path.join(root, "user-data"),
    extensions: path.join(root, "extensions"),
  };
}

const folderArgs = ({ serverData, userData, extensions }) => [
  ...["--server-data-dir", serverData],
  ...["--user-data-dir", userData],
  ...["--extensions-dir", extensions],
];

function freePort(wanted = 0) {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once("error", (error) => (wanted === 0 ? reject(error) : resolve(freePort())));
    probe.listen(wanted, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export function installExtension(vsix, folders) {
  const { node, serverMain } = ensureServer();
  const args = [
    serverMain,
    ...folderArgs(folders),
    "--accept-server-license-terms",
    "--install-extension",
    vsix,
    "--force",
  ];
  const result = spawnSync(node, args, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${vsix} cannot be installed:\n${result.stdout}${result.stderr}`);
}

/**
 * Starts VS Code's server on 127.0.0.1 and waits until it listens.
 *
 * @param {{ serverData: string, userData: string, extensions: string }} folders
 * @param {{ port?: number, token?: string, driver?: boolean, env?: NodeJS.ProcessEnv }} [options] `port`: taken if it is
 *   free. `driver`: with it, and only then, the server loads extensions in development and runs tests that its URL names.
 */
export async function startServer(folders, options = {}) {
  const { node, serverMain } = ensureServer();
  const port = await freePort(options.port);
  const token = options.token ?? randomBytes(16).toString("hex");
  let log = "";
  let heard;
  const listening = new Promise((resolve) => {
    heard = resolve;
  });
  const server = startGuarded(
    node,
    [
      serverMain,
      ...["--host", "127.0.0.1", "--port", String(port), "--connection-token", token],
      ...["--accept-server-license-terms", "--disable-telemetry", "--disable-experiments", "--disable-workspace-trust"],
      ...(options.driver ? ["--enable-smoke-test-driver"] : []),
      ...folderArgs(folders),
    ],
    options.env ?? process.env,
    (text) => {
      log += text;
      if (log.includes("Extension host agent listening")) heard("listening");
    },
  );
  let timer;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, startLimitMs, "late");
  });
  const outcome = await Promise.race([listening, limit, server.exited]);
  clearTimeout(timer);
  if (outcome !== "listening") {
    await server.kill();
    throw new Error(`VS Code's server does not start:\n${log}`);
  }
  return {
    port,
    exited: server.exited,
    stop: server.stop,
    kill: server.kill,
    log: () => log,
    /** The workbench on a folder, or on what a `.code-workspace` file names; `payload` as VS Code's own tests pass it. */
    url: (folder, payload = []) => {
      const what = isWorkspaceFile(folder) ? "workspace" : "folder";
      const query = new URLSearchParams({ tkn: token, [what]: path.resolve(folder) });
      if (payload.length > 0) query.set("payload", JSON.stringify(payload));
      return `http://localhost:${port}/?${query}`;
    },
    /** An extension host that ended otherwise than asked to, in the server's words. */
    hostFailure: () => hostExits(log).find(({ code, signal }) => code !== "0" || signal !== "null")?.line,
    hostHasExited: () => hostExits(log).length > 0,
  };
}

/** @param {string} file */
export function isWorkspaceFile(file) {
  return file.endsWith(".code-workspace");
}

function hostExits(log) {
  return [...log.matchAll(/Extension Host Process exited with code: (\w+), signal: (\w+)/g)].map((match) => ({
    line: match[0],
    code: match[1],
    signal: match[2],
  }));
}
