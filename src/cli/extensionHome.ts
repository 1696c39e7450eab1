import { readdirSync, statSync } from "node:fs";
import * as path from "node:path";
import { ResidentError } from "../common/errors";

/** The publisher and name of the extension, in lower case: VS Code names the extension's storage folder so. */
const extensionId = "resident.resident";

/** User data folders of the desktop builds. */
const desktopBuilds = ["Code", "Code - Insiders", "VSCodium", "VSCodium - Insiders"];

/** Folders in the person's home in which a remote window's server keeps its data. */
const remoteServers = [".vscode-server", ".vscode-server-insiders", ".vscodium-server", ".vscodium-server-insiders"];

/** What the search for the extension's home depends on. */
export interface UserMachine {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The person's home folder. */
  readonly userHome: string;
  /** The checkout or package that this program belongs to: `npm start` has a profile of its own in a checkout. */
  readonly root: string;
}

/** All folders in which VS Code may have the extension's global storage, the usual ones first. */
export function extensionHomes({ platform, environment, userHome, root }: UserMachine): readonly string[] {
  const { join } = platform === "win32" ? path.win32 : path.posix;
  const settings = (() => {
    if (platform === "win32") return environment["APPDATA"] || join(userHome, "AppData", "Roaming");
    if (platform === "darwin") return join(userHome, "Library", "Application Support");
    return environment["XDG_CONFIG_HOME"] || join(userHome, ".config");
  })();
  const data = environment["XDG_DATA_HOME"] || join(userHome, ".local", "share");
  const userDataFolders = [
    ...desktopBuilds.map((build) => join(settings, build)),
    ...remoteServers.map((server) => join(userHome, server, "data")),
    join(data, "code-server"),
    join(root, ".vscode-test", "start", "user-data"),
    join(userHome, ".resident-start", "user-data"),
  ];
  return userDataFolders.map((folder) => join(folder, "User", "globalStorage", extensionId));
}

/**
 * The extension's home that was used last. Throws INVALID_REQUEST, with the folders that were looked at, where there is
 * none.
 */
export function findExtensionHome(machine: UserMachine): string {
  const homes = extensionHomes(machine);
  const used = homes.flatMap((home) => {
    const lastUseMs = lastChangeMs(home);
    return lastUseMs === undefined ? [] : [{ home, lastUseMs }];
  });
  const [latest] = used.sort((a, b) => b.lastUseMs - a.lastUseMs);
  if (latest) return latest.home;
  throw new ResidentError(
    "INVALID_REQUEST",
    `VS Code has no agents of this user: looked for ${homes.join(", ")}`,
    "make an agent in VS Code first, or name the folder with --home",
    { folders: homes.length },
  );
}

/** When the folder or anything directly in it was changed last; `undefined` where it cannot be read. */
function lastChangeMs(folder: string): number | undefined {
  try {
    const entries = readdirSync(folder).map((name) => path.join(folder, name));
    return Math.max(...[folder, ...entries].map((entry) => statSync(entry, { throwIfNoEntry: false })?.mtimeMs ?? 0));
  } catch {
    return undefined;
  }
}
