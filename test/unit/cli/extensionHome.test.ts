import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { extensionHomes, findExtensionHome } from "../../../src/cli/extensionHome";
import { runProgram } from "../../../src/cli/program";
import { ResidentError } from "../../../src/common/errors";
import { RecordedConsole } from "../../support/cli/recordedConsole";

const storage = "User/globalStorage/resident.resident";

describe("the extension's home, as the CLI looks for it", () => {
  let userHome: string;
  beforeEach(() => {
    userHome = mkdtempSync(path.join(os.tmpdir(), "resident user "));
  });
  afterEach(() => rmSync(userHome, { recursive: true, force: true }));

  const linux = () =>
    ({ platform: "linux", environment: {}, userHome, root: path.join(userHome, "checkout") }) as const;

  /** A home of that build, last changed so many seconds ago. */
  function make(folder: string, ageSeconds: number): string {
    const home = path.join(userHome, folder, storage);
    mkdirSync(path.join(home, "agents"), { recursive: true });
    const time = Date.now() / 1000 - ageSeconds;
    for (const entry of [path.join(home, "agents"), home]) utimesSync(entry, time, time);
    return home;
  }

  it("is where each build of VS Code keeps an extension's global storage, on each platform", () => {
    const at = (platform: NodeJS.Platform, home: string, environment: Record<string, string> = {}) =>
      extensionHomes({ platform, environment, userHome: home, root: "/checkout" });
    const posix = (folder: string) => `${folder}/${storage}`;
    for (const build of ["Code", "Code - Insiders", "VSCodium"]) {
      assert.ok(at("linux", "/home/ada").includes(posix(`/home/ada/.config/${build}`)), build);
      assert.ok(at("linux", "/home/ada", { XDG_CONFIG_HOME: "/c" }).includes(posix(`/c/${build}`)), build);
      assert.ok(at("darwin", "/Users/ada").includes(posix(`/Users/ada/Library/Application Support/${build}`)), build);
      const windows = `D:\\Roaming\\${build}\\User\\globalStorage\\resident.resident`;
      assert.ok(at("win32", "C:\\Users\\ada", { APPDATA: "D:\\Roaming" }).includes(windows), build);
    }
    assert.ok(at("linux", "/home/ada").includes(posix("/home/ada/.local/share/code-server")));
    assert.ok(at("linux", "/home/ada").includes(posix("/home/ada/.vscode-server/data")));
    assert.ok(at("linux", "/home/ada").includes(posix("/checkout/.vscode-test/start/user-data")));
    assert.ok(
      at("win32", "C:\\Users\\ada").includes(
        "C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\globalStorage\\resident.resident",
      ),
    );
  });

  it("is the only one there is", () => {
    const home = make(".config/VSCodium", 10);
    assert.equal(findExtensionHome(linux()), home);
  });

  it("is the one used last where there are several, whatever was changed in it", () => {
    const old = make(".config/Code", 1000);
    const recent = make(".config/Code - Insiders", 100);
    assert.equal(findExtensionHome(linux()), recent);
    writeFileSync(path.join(old, "weights.json"), "{}");
    assert.equal(findExtensionHome(linux()), old);
  });

  it("is missing with the names of all folders that were looked at", () => {
    assert.throws(
      () => findExtensionHome(linux()),
      (error) =>
        error instanceof ResidentError &&
        error.code === "INVALID_REQUEST" &&
        extensionHomes(linux()).every((home) => error.what.includes(home)),
    );
  });

  it("goes with no other home", async () => {
    const console = new RecordedConsole();
    assert.equal(await runProgram(["agents", "list", "--vscode", "--home", userHome], console), 1);
    assert.match(console.stderr.join("\n"), /^USAGE: --vscode cannot go with --home/);
  });
});
