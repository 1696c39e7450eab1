/** The packaged extension in a fresh VS Code server, with folders of its own. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installExtension, seedSettings, serverFolders, startServer } from "../host/server.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** The VSIX that `--vsix FILE` names, or a new one. */
export function packaged(args = process.argv) {
  const given = args.indexOf("--vsix");
  if (given !== -1) return path.resolve(args[given + 1] ?? "");
  const vsix = path.join(root, "out", "resident.vsix");
  const packaging = spawnSync(process.execPath, [path.join(root, "native", "package.mjs"), "--out", vsix], {
    stdio: "inherit",
  });
  if (packaging.status !== 0) throw new Error("npm run package failed: see its output above");
  return vsix;
}

/**
 * Runs `body` with the extension's home and a function that starts a server with the extension in it. Ends the server
 * and removes all folders afterwards.
 *
 * @template T
 * @param {string} vsix
 * @param {Record<string, unknown>} settings of the workbench
 * @param {(place: { home: string, workspace: string, settings: string, start: () => ReturnType<typeof startServer> }) => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withPackaged(vsix, settings, body) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-ui-"));
  const home = path.join(scratch, "home");
  const workspace = path.join(scratch, "workspace");
  let server;
  try {
    const folders = serverFolders(scratch);
    fs.cpSync(path.join(root, "test", "fixtures", "workspace"), workspace, { recursive: true });
    seedSettings(folders.userData, settings);
    installExtension(vsix, folders);
    const start = async () => {
      server = await startServer(folders, {
        env: {
          ...process.env,
          RESIDENT_HOME: home,
          RESIDENT_STARTER_MODEL: path.join(root, "native", "models", "SmolLM2-135M-Instruct"),
        },
      });
      return server;
    };
    const settingsFile = path.join(folders.userData, "User", "settings.json");
    return await body({ home, workspace, settings: settingsFile, start });
  } finally {
    await server?.kill();
    fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
