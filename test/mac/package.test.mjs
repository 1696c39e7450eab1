/** The VSIX for Apple-silicon Macs, as VS Code will install it there, made and read on any machine. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { readZip, unzip } from "../../native/package/zip.mjs";
import { root } from "../../native/setup/paths.mjs";
import { readMachO } from "./machO.mjs";

const target = "darwin-arm64";
const isOfTheSystem = (library) => /^\/(usr\/lib|System\/Library\/Frameworks)\//.test(library);

describe("the package for macOS", function () {
  this.timeout(30 * 60_000);
  let scratch;
  let stage;
  let vsix;

  function make(name) {
    const out = path.join(scratch, name);
    const args = [path.join(root, "native", "package.mjs"), "--target", target, "--out", out];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return { out, said: stdout };
  }

  before(() => {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-package-"));
    vsix = make("first.vsix");
    unzip(vsix.out, scratch);
    stage = path.join(scratch, "extension", "native", "stage");
  });
  after(() => fs.rmSync(scratch, { recursive: true, force: true }));

  it("tells its size, and is the same bytes when it is made again, whatever the time and its zone", () => {
    const megabytes = (fs.statSync(vsix.out).size / 2 ** 20).toFixed(1);
    assert.ok(vsix.said.includes(`${megabytes} MB`), vsix.said);
    const before = process.env.TZ;
    process.env.TZ = "Asia/Kolkata";
    try {
      const again = make("second.vsix");
      const entries = (file) => readZip(file).map(({ name, mode }) => ({ name, mode }));
      assert.deepEqual(entries(again.out), entries(vsix.out));
      assert.ok(fs.readFileSync(again.out).equals(fs.readFileSync(vsix.out)));
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it("is for Apple silicon, and holds no other platform's files", () => {
    const manifest = fs.readFileSync(path.join(scratch, "extension.vsixmanifest"), "utf8");
    assert.match(manifest, /TargetPlatform="darwin-arm64"/);
    assert.deepEqual(fs.readdirSync(stage), [target]);
    const files = fs
      .readdirSync(path.join(stage, target), { recursive: true })
      .filter((name) => path.extname(name) !== "");
    assert.deepEqual(files.sort(), ["mlx/lib/libmlx.dylib", "mlx/lib/mlx.metallib", "resident.node"]);
    const elf = "\u007fELF";
    for (const { name, bytes } of readZip(vsix.out)) {
      assert.notEqual(bytes().toString("latin1", 0, 4), elf, name);
    }
  });

  it("resolves every load command inside itself or in the system", () => {
    const addon = path.join(stage, target, "resident.node");
    const pathsOf = (file) =>
      readMachO(file).runPaths.map((place) => place.replace("@loader_path", path.dirname(file)));
    // dyld looks in the run paths of a library and of all that have loaded it.
    const resolve = (file, runPaths) => {
      const { libraries, isArm64, isSignedAdHoc } = readMachO(file);
      assert.ok(isArm64 && isSignedAdHoc, file);
      for (const library of libraries.filter((name) => !isOfTheSystem(name))) {
        assert.match(library, /^@rpath\//, file);
        const places = runPaths.map((place) => library.replace("@rpath", place));
        const found = places.find((place) => fs.existsSync(place));
        assert.ok(found, `${path.basename(file)} loads ${library}, which is not in ${runPaths.join(", ")}`);
        assert.ok(path.resolve(found).startsWith(path.join(scratch, "extension")), found);
        resolved.push(path.relative(stage, found));
        resolve(found, [...runPaths, ...pathsOf(found)]);
      }
    };
    const resolved = [];
    resolve(addon, pathsOf(addon));
    assert.deepEqual(resolved, [`${target}/mlx/lib/libmlx.dylib`]);
  });

  it("has Metal's kernels next to the library that looks for them there", () => {
    const metallib = fs.readFileSync(path.join(stage, target, "mlx", "lib", "mlx.metallib"));
    assert.equal(metallib.toString("latin1", 0, 4), "MTLB");
  });

  it("names the licence of all that it holds, and of nothing else", () => {
    const licenses = fs.readFileSync(path.join(scratch, "extension", "THIRD_PARTY_LICENSES.txt"), "utf8");
    assert.match(licenses, /^MLX: MIT$/m);
    assert.doesNotMatch(licenses, /libgfortran|libquadmath/);
  });
});
