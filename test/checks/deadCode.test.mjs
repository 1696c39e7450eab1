import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { assertClean, root, runTool } from "./command.mjs";

const knip = (cwd = root, ...options) =>
  runTool("knip/bin/knip.js", ["--no-progress", "--no-config-hints", ...options], cwd);

describe("dead code", () => {
  it("is nowhere: every file, export and dependency is used", () => assertClean(knip()));

  it("is not kept alive by tests alone: the product reaches every file of src/", () => {
    assertClean(knip(root, "--production", "--include=files"));
  });
});

/** All of it is planted in one copy of the project and looked for once: each kind has a list of its own in the report. */
describe("planted dead code", () => {
  let folder;
  let found;
  const edit = (file, change) => {
    const target = path.join(folder, file);
    fs.writeFileSync(target, change(fs.readFileSync(target, "utf8")));
  };
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident knip "));
    for (const file of ["package.json", "knip.json", "tsconfig.json", "esbuild.js", "src", "test", "native/setup"]) {
      fs.cpSync(path.join(root, file), path.join(folder, file), { recursive: true, filter: isOurs });
    }
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "dir");
    fs.writeFileSync(path.join(folder, "src/common/plantedFile.ts"), "export const planted = 1;\n");
    edit("src/common/errors.ts", (text) => `${text}export const plantedExport = 1;\n`);
    edit("package.json", (text) => {
      const manifest = JSON.parse(text);
      manifest.devDependencies["left-pad"] = "1.3.0";
      return JSON.stringify(manifest);
    });
    found = knip(folder);
    assert.notEqual(found.status, 0);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const isOurs = (file) => path.basename(file) !== "node_modules";

  for (const [what, expected] of [
    ["a file that nothing imports", /Unused files[^\n]*\n([^\n]*\n)*?[^\n]*plantedFile\.ts/],
    ["an export that nothing imports", /Unused exports[^\n]*\n([^\n]*\n)*?plantedExport/],
    ["a dependency that nothing uses", /Unused devDependencies[^\n]*\n([^\n]*\n)*?left-pad/],
  ]) {
    it(`in ${what} is found`, () => assert.match(found.output, expected));
  }
});
