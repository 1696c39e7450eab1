import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findInstalledDesktop } from "../host/desktop.mjs";
import { startGuarded } from "../host/guarded.mjs";

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

  it("does not take the command of a remote window, which has no program beside it", () => {
    const remote = write("server/bin/remote-cli/code", script);
    assert.notEqual(findInstalledDesktop(onPath(remote)), remote);
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
