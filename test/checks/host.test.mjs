import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installCommand } from "../host/browser.mjs";
import { downloadDesktop, findInstalledDesktop } from "../host/desktop.mjs";
import { startGuarded } from "../host/guarded.mjs";
import { profileFolder } from "../host/profile.mjs";

describe("the search for an installed VS Code", () => {
  let scratch;
  beforeEach(() => {
    scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "resident desktop ")));
  });
  afterEach(() => fs.rmSync(scratch, { recursive: true, force: true }));

  function write(file, content) {
    const target = path.join(scratch, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, content, { mode: 0o755 });
    return target;
  }
  function onPath(command) {
    const bin = path.join(scratch, "path");
    fs.mkdirSync(bin);
    fs.symlinkSync(command, path.join(bin, "code"));
    return { PATH: bin };
  }
  const script = "#!/bin/sh\n";
  const binary = "\u007fELF";

  it("goes from the `code` command of Linux to the program itself", () => {
    const program = write("share/code/code", binary);
    assert.equal(findInstalledDesktop(onPath(write("share/code/bin/code", script))), program);
  });

  it("goes from the `code` command into an application of macOS, whatever its program is called", () => {
    for (const name of ["Electron", "Code"]) {
      const app = `${name}/Visual Studio Code.app/Contents`;
      const program = write(`${app}/MacOS/${name}`, binary);
      assert.equal(findInstalledDesktop(onPath(write(`${app}/Resources/app/bin/code`, script))), program);
      fs.rmSync(path.join(scratch, "path"), { recursive: true });
    }
  });

  it("does not take the command of a remote window, which has no program next to it", () => {
    const remote = write("server/bin/remote-cli/code", script);
    assert.notEqual(findInstalledDesktop(onPath(remote)), remote);
  });
});

describe("a downloaded VS Code", () => {
  let scratch;
  let remembered;
  beforeEach(() => {
    scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "resident desktop ")));
    remembered = path.join(scratch, "cache", "answer.json");
  });
  afterEach(() => fs.rmSync(scratch, { recursive: true, force: true }));

  const programs = () => path.join(scratch, ".vscode-test/vscode-darwin-arm64/Visual Studio Code.app/Contents/MacOS");
  const isRemembered = () => JSON.parse(fs.readFileSync(remembered, "utf8")).available;

  it("is the program that is in the application, whatever name the download tells", async () => {
    fs.mkdirSync(programs(), { recursive: true });
    const program = path.join(programs(), "Code");
    fs.writeFileSync(program, "\u00cf\u00fa", { mode: 0o755 });
    for (const told of ["Electron", "Code"]) {
      assert.equal(await downloadDesktop(async () => path.join(programs(), told), remembered), program);
      assert.equal(isRemembered(), true);
    }
  });

  it("counts as absent, for a day, when no program is where the download says", async () => {
    let downloads = 0;
    const download = async () => {
      downloads++;
      return path.join(programs(), "Electron");
    };
    assert.equal(await downloadDesktop(download, remembered), undefined);
    assert.equal(isRemembered(), false);
    assert.equal(await downloadDesktop(download, remembered), undefined);
    assert.equal(downloads, 1);
    const twoDaysAgo = new Date(Date.now() - 48 * 60 * 60_000).toISOString();
    fs.writeFileSync(remembered, JSON.stringify({ available: false, at: twoDaysAgo }));
    assert.equal(await downloadDesktop(download, remembered), undefined);
    assert.equal(downloads, 2);
  });

  it("counts as absent when it cannot be downloaded", async () => {
    const download = () => Promise.reject(new Error("no network"));
    assert.equal(await downloadDesktop(download, remembered), undefined);
    assert.equal(isRemembered(), false);
  });
});

describe("the profiles of the windows that are started here", () => {
  const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
  const home = "/Users/somebody";
  const socketBytes = (folder) => Buffer.byteLength(path.join(folder, "user-data", "1.131-main.sock"));

  it("are in the checkout where a socket in there can be made, else at home", () => {
    assert.equal(profileFolder("/Users/somebody/resident", "test", home), "/Users/somebody/resident/.vscode-test/test");
    for (const name of ["start", "test"]) {
      const atHome = path.join(home, `.resident-${name}`);
      const seen = new Set();
      for (let depth = 1; depth < 200; depth++) {
        const folder = profileFolder(`/${"d".repeat(depth)}`, name, home);
        assert.ok(socketBytes(folder) <= 103, folder);
        seen.add(folder === atHome);
      }
      assert.deepEqual([...seen], [false, true]);
      // The file system counts bytes.
      assert.equal(profileFolder(`/${"ü".repeat(40)}`, name, home), atHome);
    }
  });

  it("are the ones of the Extension Test Runner", async () => {
    const { default: configurations } = await import("../../.vscode-test.mjs");
    for (const { label, launchArgs } of configurations) {
      const folder = path.join(profileFolder(root, "test"), "user-data");
      assert.ok(launchArgs.includes(`--user-data-dir=${folder}`), label);
    }
  });
});

describe("the programs that a tier asks a person for", () => {
  it("can be installed: macOS starts no unsigned browser", () => {
    assert.match(installCommand("darwin"), /--cask google-chrome$/);
    assert.match(installCommand("linux"), /apt-get .* chromium$/);
  });

  it("are of one major version of Node, the one that the VS Code server asks for", () => {
    const folder = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "host");
    const { packages } = JSON.parse(fs.readFileSync(path.join(folder, "package-lock.json"), "utf8"));
    const asked = packages["node_modules/code-server"].engines.node;
    const pinned = Object.entries(packages[""].optionalDependencies).filter(([name]) => name.startsWith("node-"));
    assert.equal(pinned.length, 3);
    for (const [name, version] of pinned) assert.equal(version.split(".")[0], asked, name);
  });
});

describe("a guarded program", () => {
  const isAlive = (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  const ends = async (pid) => {
    const deadline = Date.now() + 10_000;
    while (isAlive(pid) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    return !isAlive(pid);
  };
  /** Says its own id and that of a child of its own, which would outlive it. */
  const program = `
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    console.log(process.pid + " " + child.pid + ".");
    setInterval(() => {}, 1000);`;
  const guardedFile = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "host", "guarded.mjs");

  it("ends with all that it started when it is stopped", async () => {
    let output = "";
    let said;
    const pids = new Promise((resolve) => {
      said = resolve;
    });
    const guarded = startGuarded(process.execPath, ["-e", program], process.env, (text) => {
      output += text;
      if (output.includes(".")) said(output.match(/\d+/g).map(Number));
    });
    const started = await pids;
    assert(started.every(isAlive));
    await guarded.kill();
    for (const pid of started) assert(await ends(pid), `${pid} still runs`);
  });

  it("ends when the process that started it is killed", async () => {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `import { startGuarded } from ${JSON.stringify(guardedFile)};
         startGuarded(process.execPath, ["-e", ${JSON.stringify(program)}], process.env, (text) => process.stdout.write(text));`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let output = "";
    for await (const text of parent.stdout) {
      output += text;
      if (output.includes(".")) break;
    }
    parent.kill("SIGKILL");
    for (const pid of output.match(/\d+/g).map(Number)) assert(await ends(pid), `${pid} still runs`);
  });
});
