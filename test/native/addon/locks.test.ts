import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { NativeAddon } from "../../../src/native/binding";
import { addonFile, loadAddon, platformName } from "../../../src/native/loader";
import { temporaryFolder } from "../../support/models/folders";
import { specialFiles } from "../../support/models/specialFiles";
import { stageRoot } from "../../support/native/nativeRig";

/** A process that takes the lock, says whether it got it, and waits. */
function holder(file: string): ChildProcess {
  const script = `
    const lock = require(${JSON.stringify(path.join(stageRoot, platformName, addonFile))}).tryLock(${JSON.stringify(file)});
    process.stdout.write(lock ? "held" : "refused");
    globalThis.kept = lock;
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
}

async function said(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("no output");
  const [data] = await once(child.stdout, "data");
  return String(data);
}

describe("A lock", () => {
  const folder = temporaryFolder();
  let addon: NativeAddon;
  before(() => {
    addon = loadAddon(stageRoot);
  });

  it("is held by one, in this process too, until it is released", () => {
    const file = path.join(folder.path, "lock");
    const lock = addon.tryLock(file);
    assert.ok(lock);
    assert.equal(addon.tryLock(file), undefined);
    lock.release();
    lock.release();
    addon.tryLock(file)?.release();
  });

  it("is seen by other processes and dies with its process", async () => {
    const file = path.join(folder.path, "lock");
    const child = holder(file);
    assert.equal(await said(child), "held");
    assert.equal(addon.tryLock(file), undefined);
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = addon.tryLock(file);
    assert.ok(lock);
    const second = holder(file);
    assert.equal(await said(second), "refused");
    second.kill();
    await once(second, "exit");
    lock.release();
  });

  for (const [kind, put] of Object.entries(specialFiles)) {
    it(`in whose place there is a ${kind} is refused at once`, async () => {
      const file = path.join(folder.path, "lock");
      await put(file);
      assert.throws(() => addon.tryLock(file), { code: "IO_FAILURE", what: /is not a regular file/ });
    });
  }

  it("in a folder that is not there fails with its path", () => {
    assert.throws(() => addon.tryLock(path.join(folder.path, "none", "lock")), { code: "IO_FAILURE" });
  });
});
