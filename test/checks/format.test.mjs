import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { clangFormatDirectory } from "../../native/setup/paths.mjs";
import { assertClean, root, run, runTool } from "./command.mjs";

function cppFiles(folder) {
  return fs
    .readdirSync(path.join(root, folder), { recursive: true })
    .filter((file) => /\.(cc|cpp|h|hpp)$/.test(file))
    .map((file) => path.join(folder, file));
}

describe("format", () => {
  it("Biome finds nothing to say about the TypeScript, JavaScript, JSON and CSS", () => {
    assertClean(runTool("@biomejs/biome/bin/biome", ["ci", "--colors=off"]));
  });

  it("clang-format would change no C++ file", () => {
    const files = [...cppFiles("native/src"), ...cppFiles("native/test")];
    assert.ok(files.length > 0, "no C++ file was found");
    const program = path.join(clangFormatDirectory, "clang_format", "data", "bin", "clang-format");
    assertClean(run(program, ["--dry-run", "-Werror", ...files]));
  });
});

describe("lock files", () => {
  for (const file of ["package-lock.json", "test/host/package-lock.json", "test/reference/peers/package-lock.json"]) {
    it(`${file} names versions and hashes, not where a package came from`, () => {
      const { packages } = JSON.parse(fs.readFileSync(path.join(root, file), "utf8"));
      const entries = Object.entries(packages).filter(([name, entry]) => name !== "" && !entry.link);
      assert.ok(entries.length > 0);
      const isWrong = ([, entry]) => entry.resolved !== undefined || entry.integrity === undefined;
      assert.deepEqual(entries.filter(isWrong), []);
    });

    it(`${file} holds the packages of every platform, not only of the one that wrote it`, () => {
      const { packages } = JSON.parse(fs.readFileSync(path.join(root, file), "utf8"));
      const missing = Object.entries(packages).flatMap(([name, { optionalDependencies = {} }]) =>
        Object.keys(optionalDependencies).filter(
          (optional) => !(`${name}/node_modules/${optional}` in packages || `node_modules/${optional}` in packages),
        ),
      );
      assert.deepEqual(missing, []);
    });
  }
});
