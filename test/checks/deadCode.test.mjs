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

describe("planted dead code", () => {
  let folder;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "resident knip "));
    for (const file of ["package.json", "knip.json", "tsconfig.json", "esbuild.js", "src", "test", "native/setup"]) {
      fs.cpSync(path.join(root, file), path.join(folder, file), { recursive: true, filter: isOurs });
    }
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "dir");
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const isOurs = (file) => path.basename(file) !== "node_modules";

  const plantAndFind = (plant, expected) => {
    plant();
    const { status, output } = knip(folder);
    assert.notEqual(status, 0);
    assert.match(output, expected);
  };

  it("in a file that nothing imports is found", () => {
    const file = path.join(folder, "src", "common", "plantedFile.ts");
    plantAndFind(() => fs.writeFileSync(file, "export const planted = 1;\n"), /Unused files[\s\S]*plantedFile\.ts/);
  });

  it("in an export that nothing imports is found", () => {
    const file = path.join(folder, "src", "common", "errors.ts");
    plantAndFind(
      () => fs.appendFileSync(file, "export const plantedExport = 1;\n"),
      /Unused exports[\s\S]*plantedExport/,
    );
  });

  it("in a dependency that nothing uses is found", () => {
    const file = path.join(folder, "package.json");
    const manifest = JSON.parse(fs.readFileSync(file, "utf8"));
    manifest.devDependencies["left-pad"] = "1.3.0";
    plantAndFind(() => fs.writeFileSync(file, JSON.stringify(manifest)), /left-pad/);
  });
});
