import os from "node:os";
import path from "node:path";
import { serverFolders } from "./server.mjs";

/** What macOS allows; Linux allows four more. */
const longestSocketPath = 103;

/**
 * The folder of a profile: in the checkout, unless its path is so long that VS Code's socket in there would not fit.
 *
 * @param {string} root the checkout
 * @param {string} name of the profile
 */
export function profileFolder(root, name, home = os.homedir()) {
  const local = path.join(root, ".vscode-test", name);
  const socket = path.join(serverFolders(local).userData, "1.000-main.sock");
  return Buffer.byteLength(socket) <= longestSocketPath ? local : path.join(home, `.resident-${name}`);
}
