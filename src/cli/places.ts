import { existsSync } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { findExtensionHome } from "./extensionHome";

/** The checkout or the unpacked package: the built program is `<root>/dist/cli.js`. */
const root = path.resolve(__dirname, "..");

export const defaultHome = path.join(os.homedir(), ".resident");

/** The home that VS Code gives the extension. Throws INVALID_REQUEST where there is none. */
export function extensionHome(): string {
  return findExtensionHome({ platform: process.platform, environment: process.env, userHome: os.homedir(), root });
}

/** The starter model that set-up made, unless the environment names another place. */
export function starterModel(): string {
  return process.env["RESIDENT_STARTER_MODEL"] ?? path.join(root, "native", "models", "SmolLM2-135M-Instruct");
}

/** Where the addon and its libraries for this platform are. */
export function nativeStage(): string {
  return path.join(root, "native", "stage", `${process.platform}-${process.arch}`);
}

/** The reference of EXP-005; a package has none. */
export function reference(): string | undefined {
  const folder = path.join(root, "test", "reference");
  return existsSync(folder) ? folder : undefined;
}
